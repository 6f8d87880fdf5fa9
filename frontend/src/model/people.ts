// People in words: what somebody may do, from which device they are here, what a key may do.
import type { Right, Role, Scope } from "../api/people.types";
import type { Device } from "../api/devices.types";
import type { Language } from "../api/types";
import type { MessageId, Translate } from "../i18n/i18n";
import { localeOf } from "./format";

export const RIGHTS: Right[] = ["none", "view", "control", "manage"];
const atLeast = (right: Right, least: Right): boolean => RIGHTS.indexOf(right) >= RIGHTS.indexOf(least);

/** What a role gives on a device that is not shared, and the most that a share can give. */
const UNSHARED: Record<Role, Right> = { guest: "none", user: "control", admin: "manage" };
const CAP: Record<Role, Right> = { guest: "view", user: "manage", admin: "manage" };

export const unshared = (role: Role, device: Pick<Device, "private">): Right =>
  device.private ? "none" : UNSHARED[role];

/** The rights that can be chosen for this role on these devices. */
export function choices(role: Role, devices: Pick<Device, "private">[]): Right[] {
  const least = devices.some((device) => unshared(role, device) === "none") ? "none" : "view";
  return RIGHTS.filter((right) => atLeast(right, least) && atLeast(CAP[role], right));
}

/** What to ask of the hub so that a role has this right on the device; null: take the share back. */
export function shareFor(role: Role, device: Pick<Device, "private">, right: Right): Exclude<Right, "none"> | null {
  return right === "none" || right === unshared(role, device) ? null : right;
}

/** The one right on all of them; null where it differs. */
export function common(rights: Right[]): Right | null {
  const [first = null, ...others] = rights;
  return others.every((right) => right === first) ? first : null;
}

const MOST_NAMES = 3;

/** "sees all, switches all but Office". `right`: what somebody has on a device. */
export function mayWords(
  t: Translate,
  language: Language,
  role: Role,
  devices: Device[],
  right: (device: Device) => Right,
): string {
  if (role === "admin") return t("people.may.everything");
  if (devices.length === 0) return t(role === "guest" ? "people.may.nothing" : "people.may.switchAll");
  const seen = devices.filter((device) => atLeast(right(device), "view"));
  const switched = seen.filter((device) => atLeast(right(device), "control"));
  const name = (some: Device[]): string => named(t, language, devices, some);
  if (seen.length === 0) return t("people.may.nothing");
  if (switched.length === devices.length) return t("people.may.switchAll");
  if (seen.length < devices.length) {
    if (switched.length === 0) return t("people.may.look", { names: name(seen) });
    if (switched.length === seen.length) return t("people.may.switchOnly", { names: name(seen) });
    return t("people.may.lookSwitch", { seen: name(seen), switched: name(switched) });
  }
  if (switched.length === 0) return t("people.may.lookAll");
  const others = devices.filter((device) => !switched.includes(device));
  return others.length <= switched.length
    ? t("people.may.switchAllBut", { names: name(others) })
    : t("people.may.switchSome", { names: name(switched) });
}

/** The same to somebody about themselves: `devices` are those that they see, and what else there is they do not know. */
export function ownWords(t: Translate, language: Language, role: Role, devices: Device[]): string {
  if (role === "admin") return t("people.may.everything");
  if (devices.length === 0) return t("people.may.nothing");
  const switched = devices.filter(({ right }) => atLeast(right, "control"));
  const name = (some: Device[]): string => named(t, language, devices, some);
  if (switched.length === 0) return t("people.may.look", { names: name(devices) });
  if (switched.length === devices.length) return t("people.may.switchOnly", { names: name(devices) });
  return t("people.may.lookSwitch", { seen: name(devices), switched: name(switched) });
}

/** Whole rooms by the room's name, others by the plug's, or how many they are. */
function named(t: Translate, language: Language, all: Device[], some: Device[]): string {
  const whole = (room: string | null): boolean =>
    room !== null && all.every((device) => device.room !== room || some.includes(device));
  const names = [...new Set(some.map((device) => (whole(device.room) ? device.room : device.name) ?? device.name))];
  if (names.length > MOST_NAMES) return t("people.plugs", { count: some.length });
  return new Intl.ListFormat(localeOf(language)).format(names);
}

// In this order: many browsers name others besides themselves.
const BROWSERS: [RegExp, string][] = [
  [/\bEdg(?:A|iOS)?\//, "Edge"],
  [/\b(?:OPR|Opera)\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Chrome|CriOS|HeadlessChrome)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];
const SYSTEMS: [RegExp, string, "phone" | "tablet" | "computer"][] = [
  [/\biPhone\b/, "iPhone", "phone"],
  [/\biPad\b/, "iPad", "tablet"],
  [/\bAndroid\b.*\bMobile\b/, "Android", "phone"],
  [/\bAndroid\b/, "Android", "tablet"],
  [/\bWindows\b/, "Windows", "computer"],
  [/\bMac OS X\b|\bMacintosh\b/, "Mac", "computer"],
  [/\bCrOS\b/, "ChromeOS", "computer"],
  [/\bLinux\b/, "Linux", "computer"],
];

export interface Agent {
  kind: "phone" | "tablet" | "computer" | "program";
  /** "Firefox on Linux", or what a program calls itself; empty where it says nothing. */
  browser: string | null;
  system: string | null;
  program: string;
}

/** From which device: what its User-Agent says. */
export function readAgent(agent: string): Agent {
  const browser = BROWSERS.find(([pattern]) => pattern.test(agent))?.[1] ?? null;
  const found = SYSTEMS.find(([pattern]) => pattern.test(agent));
  const program = browser === null ? (/^[^\s/(]+/.exec(agent)?.[0] ?? "") : "";
  return {
    kind: browser === null ? "program" : (found?.[2] ?? "computer"),
    browser,
    system: found?.[1] ?? null,
    program,
  };
}

export function agentWords(t: Translate, agent: string): string {
  const { browser, system, program } = readAgent(agent);
  if (browser !== null && system !== null) return t("people.agent", { browser, system });
  return browser ?? (program || t("people.agent.unknown"));
}

export const SCOPES: Scope[] = ["read", "control", "manage", "admin"];

/** Each scope holds what stands before it: the hub asks for every one by its name. */
export const scopesUpTo = (most: Scope): Scope[] => SCOPES.slice(0, SCOPES.indexOf(most) + 1);

/** The scopes that a role can use. */
export const scopesOf = (role: Role): Scope[] =>
  scopesUpTo(role === "guest" ? "read" : role === "user" ? "manage" : "admin");

/**
 * What a key does while its owner has this role: "reads and switches". The largest scope counts; a list that leaves
 * smaller ones out is named one by one.
 */
export function scopeWords(t: Translate, language: Language, given: Scope[], role: Role): string {
  const scopes = scopesOf(role).filter((scope) => given.includes(scope));
  const most = scopes.at(-1);
  if (most === undefined) return t("people.scope.none");
  if (scopesUpTo(most).every((scope) => scopes.includes(scope))) return t(`people.scope.${most}` as MessageId);
  const names = scopes.map((scope) => t(`people.only.${scope}` as MessageId));
  return new Intl.ListFormat(localeOf(language)).format(names);
}

/** The first letter, in its language's capitals. */
export const initial = (name: string, language: Language): string =>
  (Array.from(name.trim())[0] ?? "?").toLocaleUpperCase(language);
