// The API's types of energy reports, as in hub/api/types. A test compares both.

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
