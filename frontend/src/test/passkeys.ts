// A browser that can use passkeys, with what its authenticator is asked and answers.
import { vi } from "vitest";

export const raw = (text: string): ArrayBuffer => new TextEncoder().encode(text).buffer;

export const made = { response: { attestationObject: raw("attestation?>"), clientDataJSON: raw("{}") } };
export const shown = {
  rawId: raw("credential"),
  response: {
    clientDataJSON: raw("{}"),
    authenticatorData: raw("data"),
    signature: raw("signature"),
    userHandle: raw("u1"),
  },
};

/** A safe page; `fills`: it offers passkeys under the e-mail field. Take `vi.unstubAllGlobals` into `afterEach`. */
export function stubPasskeys(fills = false) {
  const create = vi.fn();
  const get = vi.fn();
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("PublicKeyCredential", { isConditionalMediationAvailable: () => Promise.resolve(fills) });
  Object.defineProperty(navigator, "credentials", { value: { create, get }, configurable: true });
  return { create, get };
}
