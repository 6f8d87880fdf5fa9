import { expect, it } from "vitest";
import type { AuditLine, User } from "../api/people.types";
import { translate, type Translate } from "../i18n/i18n";
import { device } from "../test/make";
import { ALL, changesOf, fromWords, queryOf, whatWords, whoWords, whyWords } from "./audit";

const ZONE = "Europe/Berlin";
const t: Translate = (id, values) => translate("en", id, values);
const known = { devices: [device({ id: "d1", name: "Lamp" })], members: [{ id: "u2", name: "Ben" } as User] };

function line(more: Partial<AuditLine>): AuditLine {
  return {
    id: 1,
    at: 0,
    actor: "u1",
    name: "Ada",
    origin: "192.168.1.20",
    via: "session 1",
    action: "login",
    object: null,
    before: null,
    after: null,
    refused: null,
    count: 1,
    ...more,
  };
}

it("says who, also where they are nobody any more", () => {
  expect(whoWords(t, line({}))).toBe("Ada");
  expect(whoWords(t, line({ actor: "system", name: null }))).toBe("The hub");
  expect(whoWords(t, line({ actor: null, name: null }))).toBe("Somebody unknown");
  expect(whoWords(t, line({ name: null }))).toBe("Somebody who left");
});

it("says what with the name of the plug or the person", () => {
  expect(whatWords(t, line({ action: "device.change", object: "d1" }), known)).toBe("Changed Lamp");
  const gone = line({ action: "device.remove", object: "d9", before: { name: "Heater" } });
  expect(whatWords(t, gone, known)).toBe("Removed the plug Heater");
  expect(whatWords(t, line({ action: "user.change", object: "u2" }), known)).toBe("Changed what Ben may do");
});

it("shows the id of an action that has no sentence", () => {
  expect(whatWords(t, line({ action: "teleport.add" }), known)).toContain("teleport.add");
  expect(whyWords(t, "a-new-code")).toContain("a-new-code");
});

it("has words for what is refused at MQTT and while pairing", () => {
  const actions = ["mqtt.publish", "mqtt.subscribe", "mqtt.will", "pairing.refused", "pairing.closed"];
  for (const language of ["en", "de"] as const) {
    const say: Translate = (id, values) => translate(language, id, values);
    for (const action of actions) {
      const words = whatWords(say, line({ action, object: "plug-7" }), known);
      expect(words).toContain("plug-7");
      expect(words).not.toContain(action);
    }
    for (const code of ["mqtt-topic-forbidden", "mqtt-retain-forbidden", "pairing-code-wrong"])
      expect(whyWords(say, code)).not.toContain(code);
    for (const reason of ["pairing-code-wrong", "pairing-expired", "pairing-hub-stopped"]) {
      const [change] = changesOf(say, language, line({ action: "pairing.closed", after: { reason } }), known);
      expect(change?.field).not.toBe("reason");
      expect(change?.after).not.toBe(reason);
    }
  }
});

it("says before and after in words", () => {
  const shared = line({ action: "device.share", object: "d1", before: { u2: null }, after: { u2: "view" } });
  expect(changesOf(t, "en", shared, known)).toEqual([{ field: "Ben", before: "–", after: "look" }]);
  const price = line({ action: "home.change", before: { price: 0.31 }, after: { price: 0.3456 } });
  expect(changesOf(t, "de", price, known)).toEqual([{ field: "Price of a kWh", before: "0,31", after: "0,3456" }]);
  const renamed = line({ action: "device.change", object: "d1", before: { name: "Lmap" }, after: { name: "Lamp" } });
  expect(changesOf(t, "en", renamed, known)).toEqual([{ field: "Name", before: "Lmap", after: "Lamp" }]);
  const limit = { "channel 0": { max_power_w: 2500, name: null } };
  const lower = { "channel 0": { max_power_w: 2000, name: null } };
  expect(changesOf(t, "en", line({ action: "device.change", before: limit, after: lower }), known)).toEqual([
    { field: "Cut off above", before: "2,500", after: "2,000" },
  ]);
  const added = line({ action: "user.add", object: "u2", after: { name: "Ben", role: "user", disabled: false } });
  expect(changesOf(t, "en", added, known)).toEqual([{ field: "Role", before: null, after: "Member" }]);
  const removed = line({ action: "room.remove", object: "r1", before: { name: "Attic" } });
  expect(changesOf(t, "en", removed, known)).toEqual([]);
});

it("says from where, and by which key", () => {
  expect(fromWords(t, line({}))).toBe("192.168.1.20");
  expect(fromWords(t, line({ via: "key plughub_k3f9" }))).toBe("192.168.1.20, key plughub_k3f9…");
  expect(fromWords(t, line({ via: "mqtt kettle" }))).toBe("192.168.1.20, MQTT login kettle");
  expect(fromWords(t, line({ origin: "command line", via: "" }))).toBe("the hub’s command line");
});

it("asks only for what is filtered", () => {
  expect(queryOf(ALL, ZONE)).toBe("");
  expect(queryOf({ ...ALL, actor: "u1", kind: "device", thing: "d1", refused: true }, ZONE)).toBe(
    "actor=u1&action=device&object=d1&refused=true",
  );
});

it("asks for whole days of the home, also where one has 23 or 25 hours", () => {
  const HOUR = 3_600_000;
  const length = (day: string): number => {
    const query = new URLSearchParams(queryOf({ ...ALL, from: day, until: day }, ZONE));
    return (Number(query.get("to")) - Number(query.get("from"))) / HOUR;
  };
  expect(["2026-03-29", "2026-06-01", "2026-10-25"].map(length)).toEqual([23, 24, 25]);
  expect(queryOf({ ...ALL, from: "2026-12-01" }, ZONE)).toBe(`from=${Date.UTC(2026, 10, 30, 23)}`);
});

it("asks for nothing that the hub refuses while a year is being typed", () => {
  expect(queryOf({ ...ALL, from: "0002-01-01", until: "9999-12-31" }, ZONE)).toBe("from=0&to=4102444800000");
});
