// The API's types of schedules, as in hub/api/types. A test compares both.

export type ScheduleCommand = "relay_on" | "relay_off";
export type ScheduleOutcome = "confirmed" | "refused" | "unconfirmed" | "failed" | "missed" | "right-lost";

/** `at`: when it was due. */
export interface ScheduleRun {
  at: number;
  outcome: ScheduleOutcome;
  /** Why it did not work, in the reader's language. */
  detail: string | null;
}

export interface Schedule {
  id: string;
  device: string;
  channel: number;
  name: string;
  /** 0 = Monday. */
  days: number[];
  /** HH:MM by the clocks of the home. */
  time: string;
  command: ScheduleCommand;
  enabled: boolean;
  /** Whose rights it has; null: the hub's own. */
  author: string | null;
  may_change: boolean;
  /** Null while it is off or the hub does not know the time. */
  next: number | null;
  /** Since the hub's start. */
  last: ScheduleRun | null;
}

export interface ScheduleList {
  items: Schedule[];
  next: string | null;
}

export interface AddScheduleRequest {
  device: string;
  channel: number;
  name: string;
  days: number[];
  time: string;
  command: ScheduleCommand;
  enabled?: boolean;
}

export interface ChangeScheduleRequest {
  name?: string;
  days?: number[];
  time?: string;
  command?: ScheduleCommand;
  enabled?: boolean;
}
