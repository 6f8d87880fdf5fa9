// Settings: language and look of this browser, the account, the home, how the hub is, and what this software is.
import { Button } from "react-aria-components/Button";
import { Link } from "wouter";
import type { SystemInfo } from "../api/system.types";
import type { Language } from "../api/types";
import { useHub, useSession } from "../app/hub";
import { setLanguage, setTheme, type Theme, useTheme } from "../app/preferences";
import { More, OfflineStrip } from "../app/Shell";
import { useI18n } from "../i18n/i18n";
import { Choice } from "../ui/Field";
import { useDesktop, useTitle } from "../ui/hooks";
import { AboutSheet } from "./AboutSheet";
import { BackupSheet } from "./BackupSheet";
import { HomeSettings } from "./HomeSettings";
import { HomesSheet } from "./HomesSheet";
import { PluginsSheet, RefusedSheet } from "./HubSheets";
import { SecureSheet } from "./SecureSheet";
import "./settings.css";

const THEMES: Theme[] = ["auto", "light", "dark", "contrast"];
export const LANGUAGES: { value: Language; label: string }[] = [
  { value: "en", label: "English" },
  { value: "de", label: "Deutsch" },
];

export default function Settings({ info }: { info: SystemInfo }) {
  const { t, language } = useI18n();
  const { client } = useHub();
  const { user } = useSession();
  const theme = useTheme();
  const desktop = useDesktop();
  useTitle(t("settings.title"));

  const signOut = async (): Promise<void> => {
    try {
      await client.request("POST", "/auth/logout", {});
    } finally {
      client.setSession(null);
    }
  };

  return (
    <div className="settings">
      <header className="page-head">
        <h1>{t("settings.title")}</h1>
      </header>
      <OfflineStrip />
      <div className="settings-grid">
        {!desktop && <More />}
        <section className="sheet" aria-labelledby="look">
          <h2 id="look">{t("settings.look")}</h2>
          <div className="col" style={{ gap: 16, marginTop: 14 }}>
            <Choice
              label={t("settings.language")}
              value={language}
              options={LANGUAGES}
              onChange={(value) => setLanguage(value as Language)}
            />
            <Choice
              label={t("settings.theme")}
              value={theme}
              options={THEMES.map((value) => ({ value, label: t(`settings.theme.${value}`) }))}
              onChange={(value) => setTheme(value as Theme)}
            />
          </div>
        </section>
        <section className="sheet" aria-labelledby="account">
          <h2 id="account">{t("settings.account")}</h2>
          <div className="row account">
            <span className="avatar" aria-hidden="true">
              {Array.from(user.name)[0]?.toLocaleUpperCase(language)}
            </span>
            <span className="grow">
              <span className="h3 block ellipsis">{user.name}</span>
              <span className="meta block ellipsis">{user.email}</span>
            </span>
            <span className="chip">{t(`settings.role.${user.role}`)}</span>
          </div>
          <div className="row wrap">
            <Link href="/settings/account" className="btn outline">
              {t("settings.toAccount")}
            </Link>
            <Button className="btn outline" onPress={() => void signOut()}>
              {t("settings.logout")}
            </Button>
          </div>
        </section>
        <HomeSettings />
        <SecureSheet />
        {user.operator && (
          <>
            <HomesSheet />
            <PluginsSheet />
            <RefusedSheet />
            <BackupSheet />
          </>
        )}
        {user.role === "admin" && (
          <section className="sheet" aria-labelledby="audit">
            <h2 id="audit">{t("audit.title")}</h2>
            <p className="meta" style={{ margin: "8px 0 16px" }}>
              {t("audit.link")}
            </p>
            <Link href="/admin/audit" className="btn outline">
              {t("audit.show")}
            </Link>
          </section>
        )}
        <section className="sheet" aria-labelledby="api">
          <h2 id="api">{t("settings.api")}</h2>
          <p className="meta" style={{ margin: "8px 0 16px" }}>
            {t("settings.api.text")}
          </p>
          <div className="row wrap">
            <a href="/api/v1/docs" className="btn outline">
              {t("settings.api.open")}
            </a>
            <Link href="/settings/account" className="btn outline">
              {t("account.keys.title")}
            </Link>
          </div>
        </section>
        <AboutSheet info={info} />
      </div>
    </div>
  );
}
