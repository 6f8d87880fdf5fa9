import { describe, expect, it } from "vitest";
import type { Device, Outlet, PendingCommand } from "../api/devices.types";
import { translate } from "../i18n/i18n";
import { device, outlet } from "../test/make";
import { stateWords } from "../ui/words";
import { byRoom, isOld, outletsOf, plugsOf, type SwitchInput, switchState } from "./outlet";

const command = (more: Partial<PendingCommand>): PendingCommand => ({
  id: "c",
  command: "relay_off",
  state: "sent",
  at: 0,
  error: null,
  ...more,
});

function state(plug: Partial<Device>, channel: Partial<Outlet>, more: Partial<SwitchInput> = {}, power = 203) {
  const whole = device(plug, channel);
  const view = { device: whole, outlet: whole.channels[0] ?? outlet() };
  const reading = { at: 0, power, voltage: 230, current: 1 };
  const result = switchState({ ...view, reading, reachable: true, sending: null, ...more });
  const words = (language: "en" | "de") =>
    stateWords({
      t: (id, values) => translate(language, id, values),
      language,
      view,
      state: result,
      reachable: more.reachable ?? true,
      now: 7_200_000,
      watts: power,
    }).replaceAll("\u00a0", " ");
  return { ...result, en: words("en"), de: words("de") };
}

describe("the switch says", () => {
  it.each([
    ["off", {}, { on: false }, {}, "Off", "Aus"],
    ["on", {}, { on: true }, {}, "On · 203 W", "An · 203 W"],
    ["switching", {}, { on: true }, { sending: false }, "Switching off…", "Schaltet aus…"],
    ["switching", {}, { on: true, command: command({}) }, {}, "Switching off…", "Schaltet aus…"],
    [
      "unconfirmed",
      {},
      { on: false, command: command({ command: "relay_on", state: "unconfirmed" }) },
      {},
      "No answer. It may be on.",
      "Keine Antwort. Vielleicht an.",
    ],
    [
      "refused",
      {},
      { on: false, command: command({ state: "refused", error: "overload" }) },
      {},
      "Cut off: above 2,500 W",
      "Abgeschaltet: über 2.500 W",
    ],
    [
      "refused",
      {},
      { on: true, command: command({ state: "refused", error: "late" }) },
      {},
      "Came too late, nothing was switched",
      "Kam zu spät, nichts geschaltet",
    ],
    ["offline", { online: false }, { on: true }, {}, "Offline for 2 h", "Seit 2 Std. offline"],
    ["offline", { online: false, online_since: 7_199_000 }, {}, {}, "Just went offline", "Gerade offline gegangen"],
    ["offline", { online: false, online_since: 7_190_000 }, {}, {}, "Offline for 10 s", "Seit 10 s offline"],
    ["offline", {}, { on: true }, { reachable: false }, "Last known: on", "Zuletzt an"],
    ["protected", { always_on: true }, { on: true }, {}, "Always on · 203 W", "Immer an · 203 W"],
    ["unknown", {}, { on: null }, {}, "Not heard from yet", "Noch nichts gehört"],
    ["on", { right: "view" }, { on: true }, {}, "On · 203 W · view only", "An · 203 W · nur Ansicht"],
  ] as const)("%s: %o %o %o", (kind, plug, channel, more, en, de) => {
    const result = state(plug, channel, more);
    expect(result.kind).toBe(kind);
    expect(result.en).toBe(en);
    expect(result.de).toBe(de);
  });

  it("that nothing flows", () => {
    expect(state({}, { on: true }, {}, 0.4)).toMatchObject({ kind: "idle", en: "On, idle", de: "An, Leerlauf" });
    expect(state({ always_on: true }, { on: true }, {}, 0)).toMatchObject({
      kind: "protected",
      en: "Always on, resting",
    });
  });

  it("offline before anything else: nothing is known of a plug that is away", () => {
    expect(state({ online: false }, { on: true, command: command({ state: "unconfirmed" }) }).kind).toBe("offline");
  });

  it("off for a protected plug that is off, so that it can be switched on", () => {
    expect(state({ always_on: true }, { on: false }).kind).toBe("off");
  });
});

it("calls a reading old after three intervals, at least ten seconds", () => {
  const reading = { at: 0, power: 1, voltage: 1, current: 1 };
  expect(isOld(reading, device({ interval_ms: 1000 }), 9_999)).toBe(false);
  expect(isOld(reading, device({ interval_ms: 1000 }), 10_001)).toBe(true);
  expect(isOld(reading, device({ interval_ms: 10_000 }), 29_000)).toBe(false);
  expect(isOld(reading, device({ interval_ms: 10_000 }), 31_000)).toBe(true);
});

it("counts plugs, not their outlets", () => {
  const pair = { ...device({ id: "pair" }), channels: [outlet(), outlet({ channel: 1 })] };
  expect(plugsOf(outletsOf([pair, device({ id: "single" })]))).toBe(2);
});

it("sorts rooms by name, plugs without a room last", () => {
  const rooms = byRoom(
    [
      device({ id: "a", name: "Z", room: null }),
      device({ id: "b", name: "TV", room: "Wohnzimmer" }),
      device({ id: "c", name: "Ofen", room: "Küche" }),
      device({ id: "d", name: "Herd", room: "Küche" }),
    ],
    "de-DE",
  );
  expect(rooms.map(({ room, outlets }) => [room, outlets.map((view) => view.device.name)])).toEqual([
    ["Küche", ["Herd", "Ofen"]],
    ["Wohnzimmer", ["TV"]],
    [null, ["Z"]],
  ]);
});
