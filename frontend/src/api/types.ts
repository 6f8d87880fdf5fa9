// What the API's types of every resource share, as in hub/api/types: opaque ids, Unix milliseconds, W, kWh, null for
// unknown. A test compares them all.

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
