// The API's types of alerts and of what tells people of them, as in hub/api/types. A test compares both.

export type AlertKind = "power_above" | "power_below" | "offline";
export type AlertState = "ok" | "pending" | "firing" | "resolved";

export interface Alert {
  id: string;
  device: string;
  channel: number;
  name: string;
  kind: AlertKind;
  /** W; null where the plug's absence is watched. */
  threshold: number | null;
  /** For how many seconds it must be so. */
  hold_s: number;
  enabled: boolean;
  /** Whose rights it has; null: the hub's own. */
  author: string | null;
  may_change: boolean;
  state: AlertState;
  /** Since when it is in its state; null while all is well. */
  since: number | null;
  /** What is wrong while it fires, in the reader's language. */
  detail: string | null;
}

export interface EndedAlert {
  alert: string;
  device: string;
  channel: number;
  name: string;
  kind: AlertKind;
  threshold: number | null;
  began: number;
  ended: number;
  detail: string;
}

export interface AddAlertRequest {
  device: string;
  channel: number;
  name: string;
  kind: AlertKind;
  threshold?: number;
  hold_s: number;
  enabled?: boolean;
}

export interface ChangeAlertRequest {
  name?: string;
  threshold?: number;
  hold_s?: number;
  enabled?: boolean;
}

/** A plugin that delivers messages, and how that went since the hub's start. */
export interface NotifierView {
  name: string;
  delivered: number | null;
  failed: number | null;
  /** Why it failed, in the reader's language. */
  detail: string | null;
}
