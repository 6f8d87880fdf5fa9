// Passkeys: what the hub asks and the browser's authenticators answer, with bytes as base64url between them.
import type { ApiClient } from "./client";
import { isTrusted } from "./https";
import type { Session } from "./auth.types";

export interface Passkey {
  id: string;
  name: string;
  rp_id: string;
  created: number;
  used: number | null;
}

/** `rp_id`: what a passkey that is made here belongs to; null: none can be made at this address, `why` says why. */
export interface Passkeys {
  items: Passkey[];
  rp_id: string | null;
  why: string | null;
}

export interface MakeOptions {
  challenge: string;
  rp_id: string;
  rp_name: string;
  user_id: string;
  user_name: string;
  user_display_name: string;
  algorithms: number[];
  exclude: string[];
  timeout: number;
}

export interface AskOptions {
  challenge: string;
  rp_id: string;
  timeout: number;
}

export type Browser = "can" | "insecure" | "untrusted" | "old";

/** May this page use passkeys, as far as the browser is concerned? Past a warning of the certificate it may not. */
export async function browserCan(): Promise<Browser> {
  if (!window.isSecureContext) return "insecure";
  if (!("PublicKeyCredential" in window)) return "old";
  return window.location.protocol === "https:" && !(await isTrusted()) ? "untrusted" : "can";
}

/** Can a passkey belong to a page at this address? To a name it can, over HTTPS; browsers do not ask that of localhost. */
export function canBelong({ protocol, hostname }: { protocol: string; hostname: string }): boolean {
  if (hostname === "localhost") return true;
  return protocol === "https:" && hostname.includes(".") && !/^\[|\.\d*$/.test(hostname);
}

/** Can the browser offer passkeys where the e-mail is typed? */
export async function browserFills(): Promise<boolean> {
  const asked = "isConditionalMediationAvailable" in PublicKeyCredential;
  return asked && (await PublicKeyCredential.isConditionalMediationAvailable());
}

export const askForPasskey = (client: ApiClient, signal?: AbortSignal): Promise<AskOptions> =>
  client.request<AskOptions>("POST", "/auth/passkey/options", undefined, signal);

/** Signs in; `filling`: only once somebody picks one where the e-mail is typed. Throws DOMException and ApiError. */
export async function signIn(
  client: ApiClient,
  options: AskOptions,
  signal: AbortSignal,
  filling: boolean,
): Promise<Session> {
  const found = (await navigator.credentials.get({
    publicKey: {
      challenge: bytes(options.challenge),
      rpId: options.rp_id,
      timeout: options.timeout,
      userVerification: "required",
    },
    signal,
    ...(filling && { mediation: "conditional" }),
  })) as PublicKeyCredential;
  const response = found.response as AuthenticatorAssertionResponse;
  return client.request<Session>("POST", "/auth/passkey", {
    id: text(found.rawId),
    client_data_json: text(response.clientDataJSON),
    authenticator_data: text(response.authenticatorData),
    signature: text(response.signature),
    user_handle: text(response.userHandle ?? new ArrayBuffer(0)),
  });
}

/** Has the browser make one, and tells the hub. Throws DOMException and ApiError. */
export async function makePasskey(client: ApiClient, name: string, password: string): Promise<Passkey> {
  const options = await client.request<MakeOptions>("POST", "/account/passkeys/options", { password });
  const made = (await navigator.credentials.create({
    publicKey: {
      challenge: bytes(options.challenge),
      rp: { id: options.rp_id, name: options.rp_name },
      user: { id: bytes(options.user_id), name: options.user_name, displayName: options.user_display_name },
      pubKeyCredParams: options.algorithms.map((alg) => ({ type: "public-key", alg })),
      excludeCredentials: options.exclude.map((id) => ({ type: "public-key", id: bytes(id) })),
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      attestation: "none",
      timeout: options.timeout,
    },
  })) as PublicKeyCredential;
  const response = made.response as AuthenticatorAttestationResponse;
  return client.request<Passkey>("POST", "/account/passkeys", {
    name,
    attestation_object: text(response.attestationObject),
    client_data_json: text(response.clientDataJSON),
  });
}

const bytes = (base64url: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64url.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const text = (raw: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(raw)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
