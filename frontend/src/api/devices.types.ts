// The API's types of plugs, their outlets and commands, as in hub/api/types. A test compares both.

export interface LiveValue {
  at: number | null;
  power: number | null;
  voltage: number | null;
  current: number | null;
  power_factor: number | null;
  apparent: boolean;
  energy_today_kwh: number | null;
}

export interface PendingCommand {
  id: string;
  command: string;
  state: "sent" | "unconfirmed" | "refused";
  at: number;
  error: string | null;
}

export interface Outlet {
  channel: number;
  name: string | null;
  on: boolean | null;
  live: LiveValue;
  max_power_w: number | null;
  command: PendingCommand | null;
  idle_below_w: number;
}

export interface Device {
  id: string;
  hardware_id: string;
  key: string;
  name: string;
  room: string | null;
  room_id: string | null;
  icon: string;
  color: number;
  driver: string;
  model: string | null;
  firmware: string | null;
  rssi: number | null;
  online: boolean;
  online_since: number | null;
  interval_ms: number;
  always_on: boolean;
  private: boolean;
  right: "view" | "control" | "manage";
  channels: Outlet[];
  retention: DeviceRetention | null;
  newer_firmware: string | null;
}

// Days for which history is kept; null = as long as the home's.
export interface DeviceRetention {
  raw: number | null;
  minutes: number | null;
  hours: number | null;
  days: number | null;
}

export interface DeviceList {
  items: Device[];
  next: string | null;
}

export interface AddDeviceRequest {
  hardware_id: string;
  name: string;
  driver?: string;
  room?: string | null;
  icon?: string;
  channels?: number;
  pairing_code?: string;
}

// For the files of an MQTT broker of the home's own.
export interface BrokerLines {
  password: string;
  rules: string[];
}

export interface AddedDevice {
  device: Device;
  secret: string;
  broker_lines: BrokerLines | null;
}

export interface ChangeDeviceRequest {
  name?: string;
  room?: string | null;
  icon?: string;
  always_on?: boolean;
  private?: boolean;
  max_power_w?: number | null;
  retention?: DeviceRetention | null;
  channel?: number;
}

export interface CommandRequest {
  command: "relay_on" | "relay_off" | "toggle" | "identify" | "reboot";
  channel?: number;
}

export interface CommandResult {
  id: string;
  state: "confirmed" | "refused";
  on: boolean | null;
  error: string | null;
}

export interface FoundDevice {
  hardware_id: string;
  name: string;
  model: string;
  address: string;
  /** Of the demo's own new plug: what stands on its label. */
  code?: string;
}

export interface FoundList {
  items: FoundDevice[];
  next: string | null;
}
