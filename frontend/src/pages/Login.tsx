// Sign in with e-mail and password, and with a code where the account asks for one.
import { type SyntheticEvent, useEffect, useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { ApiError } from "../api/client";
import type { Session } from "../api/auth.types";
import type { SystemInfo } from "../api/system.types";
import { useHub } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { Submit, TextField } from "../ui/Field";
import { FormError } from "../ui/FormError";
import { useTitle } from "../ui/hooks";
import { Brand } from "../ui/icons";
import { PasskeyButton, useLoginPasskey } from "./LoginPasskey";
import "../app/entry.css";

export default function Login({ info }: { info: SystemInfo }) {
  const { t } = useI18n();
  const { client } = useHub();
  useTitle(t("login.title"));
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [ended] = useState(client.ended);
  const form = useRef<HTMLFormElement>(null);
  const passkey = useLoginPasskey(setError);
  const second = code !== null;
  const moved = useRef(false);
  // The other step has other fields: the first of them, so that one can go on typing.
  useEffect(() => {
    if (moved.current) form.current?.querySelector("input")?.focus();
    moved.current = true;
  }, [second]);

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    if (!email.trim() || !password) {
      setError(t("login.missing"));
      return;
    }
    if (code !== null && !code.trim()) {
      setError(t("login.codeMissing"));
      return;
    }
    setBusy(true);
    setError(null);
    try {
      const shown = { email: email.trim(), password, ...(code === null ? {} : { code: code.trim() }) };
      client.setSession(await client.request<Session>("POST", "/auth/login", shown));
    } catch (problem) {
      if (problem instanceof ApiError && problem.problem.code === "code-needed") {
        setCode("");
        setBusy(false);
        return;
      }
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
        <h1>{t(code === null ? "login.title" : "login.codeTitle")}</h1>
        <p className="meta">{t(code === null ? "login.text" : "login.codeText")}</p>
      </div>
      {ended && (
        <p className="note warn-soft" role="status">
          {t("login.ended")}
        </p>
      )}
      <form noValidate ref={form} onSubmit={(event) => void submit(event)}>
        <div className="col" style={{ gap: 16 }}>
          {code === null ? (
            <>
              <TextField
                label={t("login.email")}
                name="email"
                type="email"
                inputMode="email"
                autoComplete="username webauthn"
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
            </>
          ) : (
            <TextField
              label={t("login.code")}
              name="code"
              hint={t("login.codeHint")}
              autoComplete="one-time-code"
              value={code}
              onChange={setCode}
            />
          )}
          <FormError text={error} />
        </div>
        <div className="foot">
          <Submit busy={busy} wide>
            {busy ? t("login.busy") : t("login.submit")}
          </Submit>
          {code === null && passkey.shown && <PasskeyButton busy={passkey.busy} onPress={() => void passkey.sign()} />}
          {code !== null && (
            <Button
              className="btn plain wide"
              onPress={() => {
                setCode(null);
                setError(null);
              }}
            >
              {t("login.back")}
            </Button>
          )}
        </div>
      </form>
    </main>
  );
}
