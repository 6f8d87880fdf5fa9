// Alerts for tests.
import type { Alert, EndedAlert } from "../api/alerts.types";

export const alert = (more: Partial<Alert> = {}): Alert => ({
  id: "a1",
  device: "d1",
  channel: 0,
  name: "Left on",
  kind: "power_above",
  threshold: 1500,
  hold_s: 600,
  enabled: true,
  author: "u1",
  may_change: true,
  state: "ok",
  since: null,
  detail: null,
  ...more,
});

export const ended = (more: Partial<EndedAlert> = {}): EndedAlert => ({
  alert: "a1",
  device: "d1",
  channel: 0,
  name: "Left on",
  kind: "power_above",
  threshold: 1500,
  began: 0,
  ended: 1000,
  detail: "Lamp: over after 1 s.",
  ...more,
});
