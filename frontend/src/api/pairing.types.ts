// The API's types of pairing, as in hub/api/types. A test compares both.

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
