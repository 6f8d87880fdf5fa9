// The API's types of people, their rights and the audit log, as in hub/api/types. A test compares both.
import type { Language } from "./types";

export type Role = "admin" | "user" | "guest";

export interface Home {
  id: string;
  name: string;
  time_zone: string;
  currency: string;
  /** Of a kWh; null: not said yet. */
  price: number | null;
  /** 0 = Monday. */
  week_start: number;
  declared: string[];
}

export interface User {
  id: string;
  name: string;
  email: string;
  language: Language;
  role: Role;
  /** Looks after the hub itself, too. */
  operator: boolean;
  disabled: boolean;
  second_factor: boolean;
  seen: number | null;
}

/** What a link is for; its secret stands behind the # of the address. */
export interface LinkView {
  purpose: "join" | "password";
  home: string;
  role: Role | null;
  name: string | null;
  expires: number;
}

export type Scope = "read" | "control" | "manage" | "admin";
export type Share = "view" | "control" | "manage";
export type Right = "none" | Share;

export interface UserList {
  items: User[];
  next: string | null;
}

export interface SignedIn {
  id: string;
  began: number;
  seen: number;
  address: string;
  agent: string;
  /** The one that asks. */
  current: boolean;
}

export interface SignedInList {
  items: SignedIn[];
  next: string | null;
}

export interface ApiKey {
  id: string;
  name: string;
  hint: string;
  scopes: Scope[];
  created: number;
  expires: number | null;
  used: number | null;
}

export interface ApiKeyList {
  items: ApiKey[];
  next: string | null;
}

/** `text` is shown once. */
export interface AddedKey {
  key: ApiKey;
  text: string;
}

/** For a new member with this role, or (user) for somebody's new password. */
export interface Invitation {
  id: string;
  role: Role | null;
  user: string | null;
  created: number;
  expires: number;
}

export interface InvitationList {
  items: Invitation[];
  next: string | null;
}

/** `link` is shown once. */
export interface AddedInvitation {
  invitation: Invitation;
  link: string;
  qr: string;
}

export interface SecondFactor {
  enabled: boolean;
  recovery_codes_left: number;
}

export interface Enrolment {
  secret: string;
  link: string;
  qr: string;
}

export interface RecoveryCodes {
  codes: string[];
}

/** `first`: the hub's own home, which cannot be taken away. */
export interface Membership {
  home: Home;
  role: Role;
  first: boolean;
}

export interface HomeList {
  items: Membership[];
  next: string | null;
}

/** `share`: what was given; `right`: what comes of it. */
export interface DeviceShare {
  user: string;
  name: string;
  role: Role;
  share: Share | null;
  right: Right;
}

export interface DeviceShareList {
  items: DeviceShare[];
  next: string | null;
}

/** The same of whichever device of the home. */
export interface HomeShare extends DeviceShare {
  device: string;
}

export interface HomeShareList {
  items: HomeShare[];
  next: string | null;
}

export interface AuditLine {
  id: number;
  at: number;
  /** A user's id, "system", or null where nobody knows. */
  actor: string | null;
  /** What they are called now; null: they are gone. */
  name: string | null;
  origin: string;
  via: string;
  action: string;
  object: string | null;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  refused: string | null;
  count: number;
}

export interface AuditList {
  items: AuditLine[];
  next: string | null;
}
