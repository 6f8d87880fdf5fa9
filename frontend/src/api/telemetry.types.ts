// The API's types of what plugs measured, as in hub/api/types. A test compares both.

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
