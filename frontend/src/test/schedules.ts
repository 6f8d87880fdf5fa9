// Schedules for tests.
import type { Schedule } from "../api/schedules.types";

export const schedule = (more: Partial<Schedule> = {}): Schedule => ({
  id: "s1",
  device: "d1",
  channel: 0,
  name: "Lamp",
  days: [0, 1, 2, 3, 4],
  time: "06:30",
  command: "relay_on",
  enabled: true,
  author: "u1",
  may_change: true,
  next: null,
  last: null,
  ...more,
});
