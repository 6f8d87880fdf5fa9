// What is said of a request that the hub refused, or did not answer.
import { ApiError } from "../api/client";
import type { MessageId, Translate } from "../i18n/i18n";

/** The hub's own sentence, else the one with this id. */
export const problemWords = (t: Translate, problem: unknown, otherwise: MessageId = "error.title"): string =>
  (problem instanceof ApiError && problem.problem.detail) || t(otherwise);
