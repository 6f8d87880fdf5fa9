// What a link opens: becoming a member of a home, or setting another password.
import { type SyntheticEvent, useEffect, useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useLocation } from "wouter";
import { ApiError } from "../api/client";
import type { Session } from "../api/auth.types";
import type { LinkView } from "../api/people.types";
import { LONGEST_NAME } from "../api/types";
import { useHub } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { Submit, TextField, tooMany } from "../ui/Field";
import { FormError } from "../ui/FormError";
import { useFragment, useTitle } from "../ui/hooks";
import { Brand } from "../ui/icons";
import { Empty, SkeletonRows } from "../ui/States";
import "../app/entry.css";

/** The secret stands behind the #: a browser sends it to nobody. Another one in the same tab is another link. */
export default function Join() {
  const token = useFragment();
  return <Opened key={token} token={token} />;
}

function Opened({ token }: { token: string }) {
  const { t } = useI18n();
  const { client } = useHub();
  const [link, setLink] = useState<LinkView | null>(null);
  const [over, setOver] = useState<string | null>(null);
  const [away, setAway] = useState(false);
  const [attempt, setAttempt] = useState(0);
  useTitle(link?.purpose === "password" ? t("join.passwordTitle") : t("join.title", { home: link?.home ?? "" }));

  useEffect(() => {
    const left = new AbortController();
    void client
      .request<LinkView>("POST", "/auth/link", { token }, left.signal)
      .then(setLink)
      .catch((error: unknown) => {
        if (left.signal.aborted) return;
        // A link that nobody could be asked about may be good.
        if (error instanceof ApiError && error.status < 500) setOver(error.problem.detail);
        else setAway(true);
      });
    return () => left.abort();
  }, [client, token, attempt]);

  return (
    <main className="entry">
      <div className="row strong">
        <Brand />
        {t("app.name")}
      </div>
      {away ? (
        <div role="alert">
          <Empty whole title={t("error.title")} text={t("join.away")}>
            <Button
              className="btn"
              onPress={() => {
                setAway(false);
                setAttempt(attempt + 1);
              }}
            >
              {t("error.retry")}
            </Button>
          </Empty>
        </div>
      ) : over !== null ? (
        <div role="alert">
          <Empty whole title={t("join.over")} text={over}>
            <a className="btn" href="/">
              {t("login.submit")}
            </a>
          </Empty>
        </div>
      ) : link === null ? (
        <SkeletonRows rows={3} />
      ) : link.purpose === "join" ? (
        <Membership link={link} token={token} />
      ) : (
        <NewPassword link={link} token={token} />
      )}
    </main>
  );
}

interface PartProps {
  link: LinkView;
  token: string;
}

function Membership({ link, token }: PartProps) {
  const { t, language } = useI18n();
  const { client } = useHub();
  const [, go] = useLocation();
  const [existing, setExisting] = useState(false);
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<{ field: string | null; text: string } | null>(null);
  const at = (field: string): string | null => (error?.field === field ? error.text : null);
  const form = useRef<HTMLFormElement>(null);
  const asksCode = code !== null;
  useEffect(() => {
    if (asksCode) form.current?.querySelector<HTMLInputElement>("input[name=code]")?.focus();
  }, [asksCode]);

  const lacking = (): { field: string; text: string } | null => {
    if (!existing && !name.trim()) return { field: "name", text: t("account.nameMissing") };
    if (!email.trim()) return { field: "email", text: t("setup.invalid.email") };
    if (password) return null;
    return { field: "password", text: t(existing ? "account.passwordMissing" : "setup.invalid.password") };
  };

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (busy || tooMany(name, LONGEST_NAME) > 0) return;
    const missing = lacking();
    if (missing) {
      setError(missing);
      return;
    }
    setBusy(true);
    setError(null);
    const account = existing ? { existing, ...(code === null ? {} : { code: code.trim() }) } : { name, language };
    try {
      client.setSession(
        await client.request<Session>("POST", "/auth/join", { token, email: email.trim(), password, ...account }),
      );
      go("/", { replace: true });
    } catch (problem) {
      setBusy(false);
      if (!(problem instanceof ApiError)) setError({ field: null, text: t("login.away") });
      else if (problem.problem.code === "code-needed") setCode("");
      else setError({ field: problem.problem.field ?? null, text: problem.problem.detail });
    }
  };

  return (
    <>
      <div>
        <h1>{t("join.title", { home: link.home })}</h1>
        <p className="meta">{t(`join.as.${link.role ?? "user"}`)}</p>
      </div>
      <form noValidate ref={form} onSubmit={(event) => void submit(event)}>
        <div className="col" style={{ gap: 16 }}>
          {!existing && (
            <TextField
              label={t("setup.name")}
              name="name"
              autoComplete="name"
              limit={LONGEST_NAME}
              value={name}
              error={at("name")}
              onChange={setName}
            />
          )}
          <TextField
            label={t("login.email")}
            name="email"
            type="email"
            inputMode="email"
            autoComplete="username"
            value={email}
            error={at("email")}
            onChange={setEmail}
          />
          <TextField
            label={t("login.password")}
            name="password"
            type="password"
            autoComplete={existing ? "current-password" : "new-password"}
            value={password}
            error={at("password")}
            {...(existing ? {} : { hint: t("setup.passwordHint") })}
            onChange={setPassword}
          />
          {code !== null && (
            <TextField
              label={t("login.code")}
              name="code"
              hint={t("login.codeHint")}
              autoComplete="one-time-code"
              value={code}
              error={at("code")}
              onChange={setCode}
            />
          )}
          {error && !["name", "email", "password", "code"].includes(error.field ?? "") && (
            <FormError text={error.text} />
          )}
        </div>
        <div className="foot">
          <Submit busy={busy} wide>
            {t(busy ? "join.busy" : "join.submit")}
          </Submit>
          <Button
            className="btn plain wide"
            onPress={() => {
              setExisting(!existing);
              setCode(null);
              setError(null);
            }}
          >
            {t(existing ? "join.new" : "join.existing")}
          </Button>
        </div>
      </form>
    </>
  );
}

function NewPassword({ link, token }: PartProps) {
  const { t } = useI18n();
  const { client } = useHub();
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [done, setDone] = useState(false);

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await client.request("POST", "/auth/password", { token, password });
      setDone(true);
    } catch (problem) {
      setError(problem instanceof ApiError ? problem.problem.detail : t("login.away"));
      setBusy(false);
    }
  };

  if (done) {
    return (
      <div role="status">
        <Empty whole title={t("join.passwordDone")} text={t("join.passwordDoneText")}>
          <a className="btn" href="/">
            {t("login.submit")}
          </a>
        </Empty>
      </div>
    );
  }
  return (
    <>
      <div>
        <h1>{t("join.passwordTitle")}</h1>
        <p className="meta">{t("join.passwordText", { name: link.name ?? "" })}</p>
      </div>
      <form noValidate onSubmit={(event) => void submit(event)}>
        <TextField
          label={t("join.newPassword")}
          name="password"
          type="password"
          autoComplete="new-password"
          hint={t("setup.passwordHint")}
          value={password}
          error={error}
          onChange={setPassword}
        />
        <div className="foot">
          <Submit busy={busy} wide>
            {t("join.passwordSubmit")}
          </Submit>
        </div>
      </form>
    </>
  );
}
