// Sign in with e-mail and password.
import { IconAlertCircle } from "@tabler/icons-react";
import { type SyntheticEvent, useState } from "react";
import { ApiError } from "../api/client";
import type { Session, SystemInfo } from "../api/types";
import { useHub } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { Submit, TextField } from "../ui/Field";
import { useTitle } from "../ui/hooks";
import { Brand } from "../ui/icons";
import "../app/entry.css";

export default function Login({ info }: { info: SystemInfo }) {
  const { t } = useI18n();
  const { client } = useHub();
  useTitle(t("login.title"));
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    if (!email.trim() || !password) {
      setError(t("login.missing"));
      return;
    }
    setBusy(true);
    setError(null);
    try {
      client.setSession(await client.request<Session>("POST", "/auth/login", { email: email.trim(), password }));
    } catch (problem) {
      setError(problem instanceof ApiError && problem.problem.detail ? problem.problem.detail : t("login.away"));
      setBusy(false);
    }
  };

  return (
    <main className="entry">
      <div className="row strong">
        <Brand />
        {info.name}
      </div>
      <div>
        <h1>{t("login.title")}</h1>
        <p className="meta">{t("login.text")}</p>
      </div>
      <form noValidate onSubmit={(event) => void submit(event)}>
        <div className="col" style={{ gap: 16 }}>
          <TextField
            label={t("login.email")}
            name="email"
            type="email"
            inputMode="email"
            autoComplete="username"
            value={email}
            onChange={setEmail}
          />
          <TextField
            label={t("login.password")}
            name="password"
            type="password"
            autoComplete="current-password"
            value={password}
            onChange={setPassword}
          />
          {error && (
            <p className="form-error" role="alert">
              <IconAlertCircle className="icon s" aria-hidden="true" />
              {error}
            </p>
          )}
        </div>
        <div className="foot">
          <Submit busy={busy} wide>
            {busy ? t("login.busy") : t("login.submit")}
          </Submit>
        </div>
      </form>
    </main>
  );
}
