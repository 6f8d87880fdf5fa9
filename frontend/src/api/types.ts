// The API's types as in hub/api/types.py: opaque ids, Unix milliseconds, W, kWh, null for unknown. A test compares both.

export type Language = "en" | "de";

/** Characters that the name of a plug, a room, a person or a home may have. */
export const LONGEST_NAME = 60;

export interface Problem {
  title: string;
  status: number;
  code: string;
  detail: string;
  type?: string;
  field?: string | null;
}

export interface SystemInfo {
  name: string;
  version: string;
  setup: "open" | "code" | "done";
  setup_closes: number | null;
  demo: boolean;
}

export interface SetupRequest {
  name: string;
  email: string;
  password: string;
  home_name: string;
  time_zone: string;
  currency: string;
  price?: number | null;
  week_start?: number;
  language: Language;
  code?: string | null;
}

export interface LoginRequest {
  email: string;
  password: string;
}

export interface Home {
  id: string;
  name: string;
  time_zone: string;
  currency: string;
  /** Of a kWh; null: not said yet. */
  price: number | null;
  /** 0 = Monday. */
  week_start: number;
  declared: string[];
}

export interface User {
  id: string;
  name: string;
  email: string;
  language: Language;
  role: Role;
  /** Looks after the hub itself, too. */
  operator: boolean;
  disabled: boolean;
  second_factor: boolean;
  seen: number | null;
}

export type Role = "admin" | "user" | "guest";

/** What a link is for; its secret stands behind the # of the address. */
export interface LinkView {
  purpose: "join" | "password";
  home: string;
  role: Role | null;
  name: string | null;
  expires: number;
}

export interface Session {
  access_token: string;
  expires_in: number;
  user: User;
  home: Home;
  refresh_token?: string | null;
}

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

export interface ReplaceDeviceRequest {
  hardware_id: string;
  pairing_code: string;
}

export interface PairingError {
  code: string;
  detail: string;
}

/** A plug that the hub waits for; `replaces`: the device whose place it takes. */
export interface Pairing {
  id: string;
  hardware_id: string;
  name: string;
  state: "waiting" | "heard" | "proved" | "sealed" | "done" | "failed" | "expired";
  opened: number;
  expires: number;
  tries_left: number;
  error: PairingError | null;
  device: string | null;
  replaces: string | null;
}

export interface PairingList {
  items: Pairing[];
  offered: boolean;
  next: string | null;
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

/** Where samples are missing and buckets are given instead, each of `bucket_ms`. */
export interface Filled {
  start: number;
  end: number;
  bucket_ms: number;
}

export interface Series {
  device: string;
  channel: number;
  source: string;
  bucket_ms: number;
  at: number[];
  mean: (number | null)[];
  min: (number | null)[];
  max: (number | null)[];
  energy_kwh: (number | null)[];
  estimated_part_kwh: number[];
  estimated: boolean[];
  total_kwh: number | null;
  estimated_kwh: number;
  thinned?: string | null;
  filled?: Filled[];
}

export interface Gap {
  id: string;
  device: string;
  channel: number;
  start: number;
  end: number | null;
  cause: string;
  energy_kwh: number | null;
  estimated: boolean;
}

export interface Telemetry {
  start: number;
  end: number;
  series: Series[];
  gaps: Gap[];
}

export interface ProblemView {
  id: string;
  detail: string | null;
  since: number;
  ended?: boolean;
}

export interface ProblemList {
  items: ProblemView[];
  next: string | null;
}

export interface PluginErrors {
  count: number;
  last: string | null;
}

export interface PluginView {
  name: string;
  state: "loaded" | "failed" | "disabled" | "switched_off";
  kinds: string[];
  version: string | null;
  detail: string | null;
  errors: PluginErrors;
}

export interface PluginList {
  items: PluginView[];
  next: string | null;
}

export interface RejectCount {
  device: string;
  reason: string;
  count: number;
}

export interface RejectView {
  at: number;
  device: string;
  reason: string;
  detail: string;
  payload: string;
}

export interface RejectList {
  counts: RejectCount[];
  newest: RejectView[];
}

export interface Backup {
  name: string;
  size: number;
  created: number | null;
  encrypted: boolean;
  history: boolean;
  verified: boolean;
  detail: string | null;
}

export interface BackupProgress {
  step: "copying" | "checking";
  done: number;
  total: number;
}

export interface BackupRun {
  at: number;
  automatic: boolean;
  name: string | null;
  detail: string | null;
}

export interface BackupState {
  running: BackupProgress | null;
  last: BackupRun | null;
  next: number | null;
  folder: string;
  own_folder: boolean;
  free: number | null;
  same_disk: boolean;
  problem: string | null;
  keep: number;
  history: boolean;
  time: string;
  encrypted: boolean;
  declared: string[];
}

export interface BackupList {
  items: Backup[];
  state: BackupState;
  next: string | null;
}

export interface ChangeBackupsRequest {
  folder?: string | null;
  keep?: number;
  history?: boolean;
  time?: string;
  passphrase?: string | null;
}

export interface ReportPeriod {
  kind: "day" | "week" | "month" | "year";
  label: string;
  start: number;
  end: number;
  until: number;
  running: boolean;
  zone: string;
  bucket: string;
  before_label: string;
  before_start: number;
  before_until: number;
}

export interface ReportAmount {
  kwh: number | null;
  cost: number | null;
}

export interface ReportTotal {
  kwh: number | null;
  cost: number | null;
  currency: string;
  price: number | null;
  estimated_kwh: number;
  estimated_share: number;
  before: ReportAmount;
  change_percent: number | null;
}

export interface ReportBucket {
  start: number;
  end: number;
  kwh: number | null;
  cost: number | null;
  estimated_kwh: number;
  before_kwh: number | null;
}

export interface ReportDevice {
  device: string;
  channel: number;
  key: string;
  name: string;
  room: string | null;
  color: number;
  kwh: number | null;
  cost: number | null;
  estimated_kwh: number;
  before: ReportAmount;
  change_percent: number | null;
  by_bucket_kwh: (number | null)[];
}

export interface ReportRoom {
  room: string | null;
  kwh: number | null;
  cost: number | null;
  estimated_kwh: number;
  before: ReportAmount;
  change_percent: number | null;
  by_bucket_kwh: (number | null)[];
}

export interface ReportGaps {
  count: number;
  hours: number;
  open: number;
}

export interface ReportHours {
  highest: number;
  highest_kwh: number;
  base_w: number | null;
  base_kwh: number | null;
  base_cost: number | null;
  by_weekday_kwh: (number | null)[][];
}

export interface EnergyReport {
  home: string;
  period: ReportPeriod;
  total: ReportTotal;
  gaps: ReportGaps;
  since: number | null;
  not_compared: number;
  by_bucket: ReportBucket[];
  by_device: ReportDevice[];
  by_room: ReportRoom[];
  hours: ReportHours | null;
}

/** One reading as the socket sends it: device, channel, at, W, V, A, relay, counter in mWh. */
export type SampleItem = [
  device: string,
  channel: number,
  at: number,
  power: number | null,
  voltage: number | null,
  current: number | null,
  on: boolean | null,
  energy_mwh: number | null,
];

export type ServerFrame =
  | { type: "ready"; session: string; by: "auth" | "cookie"; resume: string; resumed: boolean; seq: number }
  | { type: "subscribed"; rooms: string[]; seq: number }
  | { type: "error"; code: string; detail: string }
  | { type: "pong" }
  | { type: "samples"; seq: number; items: SampleItem[]; lossy?: boolean }
  | { type: "device"; seq: number; device: Device }
  | { type: "device_removed"; seq: number; device: string }
  | { type: "found"; seq: number; items: FoundDevice[] }
  | { type: "pairing"; seq: number; pairing: Pairing }
  | { type: "gaps"; seq: number; device: string }
  | { type: "schedules"; seq: number; device: string }
  | { type: "alerts"; seq: number; device: string; alert: string; state: "firing" | "resolved" | null }
  | { type: "rooms"; seq: number; home: string }
  | { type: "problem"; seq: number; problem: ProblemView };
