import { expect, it } from "vitest";
import type { Right, Scope } from "../api/people.types";
import type { Device } from "../api/devices.types";
import { translate, type Translate } from "../i18n/i18n";
import { device } from "../test/make";
import { agentWords, choices, common, mayWords, ownWords, readAgent, scopesOf, scopeWords, shareFor } from "./people";

const t: Translate = (id, values) => translate("en", id, values);
const kettle = device({ id: "k1", name: "Kettle", room: "Kitchen" });
const toaster = device({ id: "k2", name: "Toaster", room: "Kitchen" });
const desk = device({ id: "o1", name: "Desk", room: "Office" });
const lamp = device({ id: "x1", name: "Lamp", room: null });
const home = [kettle, toaster, desk, lamp];

function may(role: "admin" | "user" | "guest", rights: Record<string, Right>, rest: Right = "none"): string {
  return mayWords(t, "en", role, home, ({ id }: Device) => rights[id] ?? rest);
}

it("says in one sentence what somebody may do", () => {
  expect(may("admin", {})).toBe("everything");
  expect(may("user", {}, "control")).toBe("sees and switches all");
  expect(may("user", { o1: "view" }, "control")).toBe("sees all, switches all but Office");
  expect(may("user", { k1: "view" }, "manage")).toBe("sees all, switches all but Kettle");
  expect(may("user", { o1: "control" }, "view")).toBe("sees all, switches Office");
  expect(may("user", { o1: "none", x1: "none" }, "control")).toBe("sees and switches Kitchen");
  expect(may("guest", { k1: "view", k2: "view", x1: "view" })).toBe("looks at Kitchen and Lamp");
  expect(may("guest", {}, "view")).toBe("looks at all");
  expect(may("guest", {})).toBe("sees no plug yet");
});

it("says to a guest what they see, not that it is all", () => {
  const seen = [device({ ...desk, right: "view" })];
  expect(ownWords(t, "en", "guest", seen)).toBe("looks at Office");
  expect(ownWords(t, "en", "user", [{ ...kettle, right: "control" }])).toBe("sees and switches Kitchen");
  expect(ownWords(t, "en", "guest", [])).toBe("sees no plug yet");
});

it("counts plugs where their names would be too many", () => {
  const many = ["a", "b", "c", "d", "e"].map((id) => device({ id, name: `Plug ${id}`, room: null }));
  const words = mayWords(t, "en", "guest", many, ({ id }) => (id === "e" ? "none" : "view"));
  expect(words).toBe("looks at 4 plugs");
});

it("offers only rights that a share can bring about", () => {
  expect(choices("user", [desk])).toEqual(["view", "control", "manage"]);
  expect(choices("user", [{ ...desk, private: true }])).toEqual(["none", "view", "control", "manage"]);
  expect(choices("guest", [desk])).toEqual(["none", "view"]);
  expect(choices("user", [desk, { ...desk, private: true }])[0]).toBe("none");
});

it("takes a share back where the role alone gives the same", () => {
  expect(shareFor("user", desk, "control")).toBeNull();
  expect(shareFor("user", desk, "view")).toBe("view");
  expect(shareFor("user", { ...desk, private: true }, "control")).toBe("control");
  expect(shareFor("guest", desk, "none")).toBeNull();
  expect(shareFor("guest", desk, "view")).toBe("view");
});

it("knows when a room has no one right", () => {
  expect(common(["view", "view"])).toBe("view");
  expect(common(["view", "control"])).toBeNull();
  expect(common([])).toBeNull();
});

it.each([
  ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "computer", "Firefox on Linux"],
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
    "computer",
    "Edge on Windows",
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
    "phone",
    "Safari on iPhone",
  ],
  [
    "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
    "phone",
    "Chrome on Android",
  ],
  [
    "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "tablet",
    "Chrome on Android",
  ],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15",
    "computer",
    "Safari on Mac",
  ],
  ["Python/3.11 aiohttp/3.12", "program", "Python"],
  ["", "program", "Unknown device"],
])("reads %s", (agent, kind, words) => {
  expect(readAgent(agent).kind).toBe(kind);
  expect(agentWords(t, agent)).toBe(words);
});

it("says what a key may do", () => {
  expect(scopeWords(t, "en", ["read"], "admin")).toBe("reads");
  expect(scopeWords(t, "en", ["read", "control"], "user")).toBe("reads and switches");
  expect(scopeWords(t, "en", ["control"], "user")).toBe("switches only");
  expect(scopesOf("guest")).toEqual(["read"]);
  expect(scopesOf("user")).not.toContain("admin");
});

it("says of a key no more than its owner may now", () => {
  const all: Scope[] = ["read", "control", "manage", "admin"];
  expect(scopeWords(t, "en", all, "admin")).toBe("reads, switches, changes plugs, looks after the home");
  expect(scopeWords(t, "en", all, "user")).toBe("reads, switches and changes plugs");
  expect(scopeWords(t, "en", all, "guest")).toBe("reads");
  expect(scopeWords(t, "en", ["control"], "guest")).toBe("does nothing with the present role");
});
