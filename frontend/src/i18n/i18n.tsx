// Sentences by id in the reader's language, and the formats that go with it.
import { IntlMessageFormat } from "intl-messageformat";
import { createContext, type ReactNode, useContext, useEffect, useMemo } from "react";
import type { Language } from "../api/types";
import { localeOf } from "../model/format";
import { de } from "./de";
import { en } from "./en";

export type MessageId = keyof typeof en;
export type Values = Record<string, string | number>;
export type Translate = (id: MessageId, values?: Values) => string;

const CATALOGS: Record<Language, Record<MessageId, string>> = { en, de };
const compiled = new Map<string, IntlMessageFormat>();

export function translate(language: Language, id: MessageId, values?: Values): string {
  const text = CATALOGS[language][id];
  if (!text.includes("{")) return text;
  const key = `${language}:${id}`;
  let message = compiled.get(key);
  if (!message) {
    message = new IntlMessageFormat(text, localeOf(language));
    compiled.set(key, message);
  }
  return message.format(values) as string;
}

interface I18n {
  language: Language;
  t: Translate;
}

const I18nContext = createContext<I18n>({ language: "en", t: (id, values) => translate("en", id, values) });

export function I18nProvider({ language, children }: { language: Language; children: ReactNode }) {
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const value = useMemo<I18n>(() => ({ language, t: (id, values) => translate(language, id, values) }), [language]);
  return <I18nContext value={value}>{children}</I18nContext>;
}

export const useI18n = (): I18n => useContext(I18nContext);
