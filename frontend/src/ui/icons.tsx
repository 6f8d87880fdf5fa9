// The icons of appliances by the names that the API uses, and those of the app. Kettle, dishwasher, dryer, toaster
// and heater are our own on the same grid.
import {
  IconAirConditioning,
  IconBulb,
  IconCoffee,
  IconDeviceDesktop,
  IconDeviceGamepad2,
  IconDeviceLaptop,
  IconDeviceSpeaker,
  IconDeviceTv,
  IconFridge,
  IconIroning,
  IconLamp,
  IconMicrowave,
  IconPlug,
  IconPower,
  IconPrinter,
  IconRouter,
  IconSnowflake,
  IconStack2,
  IconVacuumCleaner,
  IconWashMachine,
  type TablerIcon,
} from "@tabler/icons-react";
import type { ComponentType } from "react";

export interface IconProps {
  className?: string;
}

function own(...paths: string[]): ComponentType<IconProps> {
  return function OwnIcon({ className }) {
    return (
      <svg
        className={className}
        viewBox="0 0 24 24"
        width="24"
        height="24"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.7"
        strokeLinecap="round"
        strokeLinejoin="round"
      >
        {paths.map((path) => (
          <path key={path} d={path} />
        ))}
      </svg>
    );
  };
}

const IconKettle = own(
  "M7 8h8l2 12h-12z",
  "M17 10c3 0 3 7 0 7",
  "M7 8c0 -3 8 -3 8 0",
  "M11 5.5v-1.5",
  "M6.7 10l-3.2 -1",
);
const IconDish = own(
  "M5 5a2 2 0 0 1 2 -2h10a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2z",
  "M5 7.5h14",
  "M8 5.2h.01",
  "M8.5 18v-4.5a3.5 3.5 0 0 1 7 0v4.5",
  "M12 10v8",
);
const IconDryer = own(
  "M5 5a2 2 0 0 1 2 -2h10a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2z",
  "M8 14a4 4 0 1 0 8 0a4 4 0 1 0 -8 0",
  "M8 6h.01",
  "M14 6h2",
  "M10.8 15.6c-.8 -1.1 .8 -2.1 0 -3.2",
  "M13.4 15.6c-.8 -1.1 .8 -2.1 0 -3.2",
);
const IconToaster = own(
  "M5 10h12a2 2 0 0 1 2 2v5a2 2 0 0 1 -2 2h-12a2 2 0 0 1 -2 -2v-5a2 2 0 0 1 2 -2z",
  "M6 10v-3a2 2 0 0 1 2 -2h6a2 2 0 0 1 2 2v3",
  "M19 13h2",
  "M6 19v1.5",
  "M16 19v1.5",
  "M7 14h4",
);
const IconHeater = own(
  "M4 8a1.5 1.5 0 0 1 1.5 -1.5h13a1.5 1.5 0 0 1 1.5 1.5v9a1.5 1.5 0 0 1 -1.5 1.5h-13a1.5 1.5 0 0 1 -1.5 -1.5z",
  "M8 10v5",
  "M12 10v5",
  "M16 10v5",
  "M6.5 18.5v2",
  "M17.5 18.5v2",
  "M9 4c.7 -.8 1.3 .8 2 0s1.3 .8 2 0",
);

/** Names as the API keeps them, in the order in which the choice shows them. */
export const APPLIANCES: Record<string, ComponentType<IconProps> | TablerIcon> = {
  plug: IconPlug,
  "wash-machine": IconWashMachine,
  dryer: IconDryer,
  dish: IconDish,
  fridge: IconFridge,
  snowflake: IconSnowflake,
  kettle: IconKettle,
  coffee: IconCoffee,
  microwave: IconMicrowave,
  toaster: IconToaster,
  "device-tv": IconDeviceTv,
  "device-speaker": IconDeviceSpeaker,
  "device-gamepad-2": IconDeviceGamepad2,
  "device-desktop": IconDeviceDesktop,
  "device-laptop": IconDeviceLaptop,
  printer: IconPrinter,
  router: IconRouter,
  lamp: IconLamp,
  bulb: IconBulb,
  heater: IconHeater,
  "air-conditioning": IconAirConditioning,
  ironing: IconIroning,
  "vacuum-cleaner": IconVacuumCleaner,
};

const OTHERS: Record<string, ComponentType<IconProps> | TablerIcon> = { power: IconPower, others: IconStack2 };

export function ApplianceIcon({ name, className = "" }: { name: string; className?: string }) {
  const Icon = APPLIANCES[name] ?? OTHERS[name] ?? IconPlug;
  return (
    <span aria-hidden="true">
      <Icon className={`icon ${className}`} />
    </span>
  );
}

export function Brand() {
  return (
    <svg width="24" height="24" viewBox="0 0 24 24" aria-hidden="true">
      <rect x="1" y="1" width="22" height="22" rx="7" fill="var(--ink)" />
      <rect x="7.2" y="7" width="2.8" height="10" rx="1.4" fill="var(--on-ink)" />
      <rect x="14" y="7" width="2.8" height="10" rx="1.4" fill="var(--sun)" />
    </svg>
  );
}
