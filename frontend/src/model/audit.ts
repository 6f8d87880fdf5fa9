// The audit log in words: who, what, from where, and what became of it.
import type { AuditLine, User } from "../api/people.types";
import type { Device } from "../api/devices.types";
import type { Language } from "../api/types";
import { en } from "../i18n/en";
import type { MessageId, Translate } from "../i18n/i18n";
import { decimal } from "./format";
import { midnight } from "./time";

/** First words of actions, in the order in which the filter shows them. */
export const KINDS = [
  "login",
  "logout",
  "session",
  "password",
  "second-factor",
  "passkey",
  "key",
  "invitation",
  "user",
  "profile",
  "device",
  "pairing",
  "room",
  "home",
  "schedule",
  "alert",
  "mqtt-client",
  "mqtt",
  "backup",
  "updates",
  "certificates",
  "history",
  "time",
] as const;

export interface Known {
  members: User[];
  devices: Device[];
}

const has = (id: string): id is MessageId => id in en;

export function whoWords(t: Translate, { actor, name }: AuditLine): string {
  if (name !== null) return name;
  if (actor === "system") return t("audit.who.system");
  return t(actor === null ? "audit.who.stranger" : "audit.who.gone");
}

/** The name of what it was done to, or its id. */
export function objectWords(t: Translate, line: AuditLine, { members, devices }: Known): string {
  const { object, before, after } = line;
  if (object === null) return "";
  // A device's line may be about one that is gone: then it still says its name.
  const said = [after?.name, before?.name].find((name) => typeof name === "string");
  const found = members.find(({ id }) => id === object)?.name ?? devices.find(({ id }) => id === object)?.name;
  if (found !== undefined || said !== undefined) return found ?? said ?? "";
  if (line.action === "session.end") return t(object === "others" ? "audit.others" : "audit.session");
  return object;
}

/** A sentence for the action; one that has none shows its id. */
export function whatWords(t: Translate, line: AuditLine, known: Known): string {
  const id = `audit.do.${line.action}`;
  if (!has(id)) return t("audit.other", { action: line.action });
  return t(id, { object: objectWords(t, line, known) });
}

/** Why it was refused, by the code of the problem. */
export function whyWords(t: Translate, code: string): string {
  const id = `audit.why.${code}`;
  return has(id) ? t(id) : t("audit.why.other", { code });
}

export function fromWords(t: Translate, { origin, via }: AuditLine): string {
  const place =
    origin === "hub" || origin === "" ? t("audit.from.hub") : origin === "command line" ? t("audit.from.cli") : origin;
  if (via.startsWith("key ")) return t("audit.from.key", { place, key: via.slice(4) });
  if (via.startsWith("mqtt ")) return t("audit.from.mqtt", { place, login: via.slice(5) });
  return via === "link" ? t("audit.from.link", { place }) : place;
}

export interface Change {
  field: string;
  /** null: it came or went as a whole, and only one side is told. */
  before: string | null;
  after: string | null;
}

/** What nobody asks for when something came or went; where it changed, it is told. */
const DULL = new Set(["key", "icon", "color", "driver", "interval_ms", "language", "hardware_id"]);

/** What differs, field by field; of what came or went, what it is. */
export function changesOf(t: Translate, language: Language, line: AuditLine, known: Known): Change[] {
  const before = flat(line.before);
  const after = flat(line.after);
  const words = (value: unknown): string => valueWords(t, language, value);
  // The sentence has said the name of what came or went.
  const said = objectWords(t, line, known);
  if (line.before !== null && line.after !== null)
    return [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .map((field) => ({ id: field, old: words(before[field]), now: words(after[field]) }))
      .filter(({ old, now }) => old !== now)
      .map(({ id, old, now }) => ({ field: fieldWords(t, id, known), before: old, after: now }));
  const shown = (part: Record<string, unknown>): [string, string][] =>
    Object.entries(part)
      .filter(([field, value]) => !(DULL.has(field) || field.includes(" ") || value === null || value === false))
      .map(([field, value]): [string, string] => [fieldWords(t, field, known), words(value)])
      .filter(([, value]) => value !== said);
  return [
    ...shown(before).map(([field, value]) => ({ field, before: value, after: null })),
    ...shown(after).map(([field, value]) => ({ field, before: null, after: value })),
  ];
}

/** Of an outlet or a time to keep: its fields, one by one, as "channel 0 max_power_w". */
function flat(part: Record<string, unknown> | null): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(part ?? {}))
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      for (const [inner, each] of Object.entries(value)) fields[`${name} ${inner}`] = each;
    else fields[name] = value;
  return fields;
}

function fieldWords(t: Translate, field: string, { members }: Known): string {
  // Most plugs have one outlet: it needs no number.
  const inner = field.replace(/^channel 0 /, "");
  const [, outlet, rest] = /^channel (\d+) (.+)$/.exec(inner) ?? [];
  if (outlet !== undefined && rest !== undefined)
    return t("audit.outlet", { number: Number(outlet) + 1, field: fieldWords(t, rest, { members, devices: [] }) });
  const id = `audit.field.${inner}`;
  return has(id) ? t(id) : (members.find((member) => member.id === inner)?.name ?? inner.replaceAll("_", " "));
}

function valueWords(t: Translate, language: Language, value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return t(value ? "audit.yes" : "audit.no");
  if (typeof value === "number") return decimal(value, 6, language, 0);
  if (typeof value === "string") {
    const id = `audit.value.${value}`;
    return has(id) ? t(id) : value;
  }
  if (Array.isArray(value)) return value.map((each) => valueWords(t, language, each)).join(", ");
  return JSON.stringify(value);
}

export interface Filters {
  actor: string;
  kind: string;
  /** The id of what it was done to. */
  thing: string;
  /** Days as a date field gives them (2026-11-21), both of them included. */
  from: string;
  until: string;
  refused: boolean;
}

export const ALL: Filters = { actor: "", kind: "", thing: "", from: "", until: "", refused: false };

/** The last moment that the API takes: the end of 2099. */
const LAST = 4_102_444_800_000;

/** Midnight at the beginning of a day in the home's zone, or days later; a year that is still being typed is one, too. */
function dayOf(text: string, zone: string, days = 0): string {
  const [year = 0, month = 0, day = 0] = text.split("-").map(Number);
  return `${Math.min(LAST, Math.max(0, midnight(year, month, day + days, zone)))}`;
}

/** As the API takes them. */
export function queryOf({ actor, kind, thing, from, until, refused }: Filters, zone: string): string {
  const query = new URLSearchParams();
  if (actor) query.set("actor", actor);
  if (kind) query.set("action", kind);
  if (thing) query.set("object", thing);
  if (from) query.set("from", dayOf(from, zone));
  if (until) query.set("to", dayOf(until, zone, 1));
  if (refused) query.set("refused", "true");
  return query.toString();
}
