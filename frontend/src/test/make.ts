// Devices for tests.
import type { Device, Outlet } from "../api/devices.types";

export function outlet(more: Partial<Outlet> = {}): Outlet {
  return {
    channel: 0,
    name: null,
    on: true,
    live: {
      at: null,
      power: null,
      voltage: null,
      current: null,
      power_factor: null,
      apparent: false,
      energy_today_kwh: null,
    },
    max_power_w: 2500,
    command: null,
    idle_below_w: 1,
    ...more,
  };
}

export function device(more: Partial<Device> = {}, channel: Partial<Outlet> = {}): Device {
  return {
    id: "d1",
    hardware_id: "plug-1",
    key: "lamp",
    name: "Lamp",
    room: "Kitchen",
    room_id: "r1",
    icon: "lamp",
    color: 1,
    driver: "smartplug",
    model: null,
    firmware: null,
    rssi: null,
    online: true,
    online_since: 0,
    interval_ms: 1000,
    always_on: false,
    private: false,
    right: "manage",
    channels: [outlet(channel)],
    retention: null,
    newer_firmware: null,
    ...more,
  };
}
