// One's own account: profile, password, second factor, API keys, and the way out of the home.
import { type SyntheticEvent, useState } from "react";
import { useMyKeys } from "../api/people";
import type { User } from "../api/people.types";
import { type Language, LONGEST_NAME } from "../api/types";
import { useHub, useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { useAnnouncer } from "../ui/Announcer";
import { Choice, Submit, TextField } from "../ui/Field";
import { useTitle } from "../ui/hooks";
import { YourPassword } from "../ui/YourPassword";
import { AccountFactor } from "./AccountFactor";
import { AccountKeys } from "./AccountKeys";
import { AccountLeave } from "./AccountLeave";
import { AccountPasskeys } from "./AccountPasskeys";
import { EditHead } from "./EditHead";
import { isTooLong, useFormError } from "./plug-form";
import { LANGUAGES } from "./Settings";
import "./edit.css";
import "./people.css";
import "./settings.css";

export const SHORTEST_PASSWORD = 10;

export default function Account() {
  const { t } = useI18n();
  useTitle(t("account.title"));
  return (
    <>
      <EditHead href="/settings" back={t("account.back")} title={t("account.title")} />
      <div className="settings-grid">
        <Profile />
        <Password />
        <AccountFactor />
        <AccountPasskeys />
        <AccountKeys />
        <AccountLeave />
      </div>
    </>
  );
}

function Profile() {
  const { t } = useI18n();
  const { client } = useHub();
  const { user } = useSession();
  const { toast } = useAnnouncer();
  const [name, setName] = useState(user.name);
  const [language, choose] = useState<Language>(user.language);
  const [email, setEmail] = useState(user.email);
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const error = useFormError(["name", "language", "email", "password"]);
  const moves = email.trim().toLowerCase() !== user.email.toLowerCase();

  const save = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (busy || isTooLong(name)) return;
    error.clear();
    if (!name.trim()) {
      error.set("name", t("account.nameMissing"));
      return;
    }
    if (moves && !password) {
      error.set("password", t("account.passwordMissing"));
      return;
    }
    setBusy(true);
    try {
      const change = { name: name.trim(), language, ...(moves && { email: email.trim(), password }) };
      const changed = await client.request<User>("PATCH", "/account", change);
      client.know({ user: changed });
      setEmail(changed.email);
      setPassword("");
      toast(t("account.saved"));
    } catch (problem) {
      error.refused(problem);
    }
    setBusy(false);
  };

  return (
    <section className="sheet" aria-labelledby="profile">
      <h2 id="profile">{t("account.profile")}</h2>
      <form className="col account-form" noValidate onSubmit={(event) => void save(event)}>
        <TextField
          label={t("setup.name")}
          name="name"
          autoComplete="name"
          limit={LONGEST_NAME}
          value={name}
          error={error.at("name")}
          onChange={setName}
        />
        <Choice
          label={t("settings.language")}
          value={language}
          hint={t("account.languageHint")}
          options={LANGUAGES}
          error={error.at("language")}
          onChange={(value) => choose(value as Language)}
        />
        <TextField
          label={t("login.email")}
          name="email"
          type="email"
          inputMode="email"
          autoComplete="username"
          hint={t("account.emailHint")}
          value={email}
          error={error.at("email")}
          onChange={setEmail}
        />
        {moves && (
          <YourPassword
            name="current-password"
            hint={t("account.emailPassword")}
            value={password}
            error={error.at("password")}
            onChange={setPassword}
          />
        )}
        {error.below}
        <div className="row">
          <Submit busy={busy}>{t(busy ? "edit.saving" : "edit.save")}</Submit>
        </div>
      </form>
    </section>
  );
}

function Password() {
  const { t } = useI18n();
  const { client, queries } = useHub();
  const { toast } = useAnnouncer();
  const { user } = useSession();
  const keys = useMyKeys();
  const [current, setCurrent] = useState("");
  const [endsKeys, setEndsKeys] = useState(false);
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const error = useFormError(["current", "password"]);

  const save = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    error.clear();
    if (!current) {
      error.set("current", t("account.passwordMissing"));
      return;
    }
    if (Array.from(password).length < SHORTEST_PASSWORD) {
      error.set("password", t("setup.invalid.password"));
      return;
    }
    setBusy(true);
    try {
      await client.request("POST", "/account/password", { current, password, end_keys: endsKeys });
      await queries.invalidateQueries({ queryKey: ["sessions"] });
      if (endsKeys) await queries.invalidateQueries({ queryKey: ["keys"] });
      setEndsKeys(false);
      setCurrent("");
      setPassword("");
      toast(t("account.passwordDone"));
    } catch (problem) {
      error.refused(problem);
    }
    setBusy(false);
  };

  return (
    <section className="sheet" aria-labelledby="password">
      <h2 id="password">{t("login.password")}</h2>
      <p className="meta">{t("account.passwordText")}</p>
      <form className="col account-form" noValidate onSubmit={(event) => void save(event)}>
        {/* Password managers file the new one under this name. */}
        <input type="hidden" name="username" autoComplete="username" value={user.email} readOnly />
        <TextField
          label={t("account.currentPassword")}
          name="current"
          type="password"
          autoComplete="current-password"
          value={current}
          error={error.at("current")}
          onChange={setCurrent}
        />
        <TextField
          label={t("join.newPassword")}
          name="password"
          type="password"
          autoComplete="new-password"
          hint={t("setup.passwordHint")}
          value={password}
          error={error.at("password")}
          onChange={setPassword}
        />
        {keys.data !== undefined && keys.data.length > 0 && (
          <div>
            <label className="check">
              <input
                type="checkbox"
                checked={endsKeys}
                aria-describedby="ends-keys"
                onChange={(event) => setEndsKeys(event.target.checked)}
              />
              {t("account.passwordKeys")}
            </label>
            <p className="meta" id="ends-keys">
              {t("account.passwordKeysHint")}
            </p>
          </div>
        )}
        {error.below}
        <div className="row">
          <Submit busy={busy}>{t(busy ? "edit.saving" : "account.passwordAct")}</Submit>
        </div>
      </form>
    </section>
  );
}
