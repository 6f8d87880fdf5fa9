// What went wrong with a passkey, in words: the browser says it by the name of its exception, the hub in a sentence.
import { ApiError } from "../api/client";
import type { Translate } from "../i18n/i18n";

export function refusalWords(t: Translate, problem: unknown): string {
  if (problem instanceof ApiError && problem.problem.detail) return problem.problem.detail;
  if (!(problem instanceof DOMException)) return t("login.away");
  // Chromium takes a certificate that it does not trust for a refusal like any other, but says so.
  if (/certificate/i.test(problem.message)) return t("passkey.warned");
  if (problem.name === "InvalidStateError") return t("passkey.taken");
  if (problem.name === "SecurityError") return t("passkey.notHere");
  if (problem.name === "NotAllowedError" || problem.name === "AbortError") return t("passkey.cancelled");
  return t("passkey.failed");
}
