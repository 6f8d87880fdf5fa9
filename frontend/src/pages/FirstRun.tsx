// First run: the promise, the admin's account, the home. One decision a screen.
import { IconAlertCircle, IconCheck, IconChevronLeft } from "@tabler/icons-react";
import { type ReactNode, type SyntheticEvent, useEffect, useState } from "react";
import { Button } from "react-aria-components/Button";
import { ApiError } from "../api/client";
import { type DeviceList, type Language, LONGEST_NAME, type Session, type SystemInfo } from "../api/types";
import { useHub } from "../app/hub";
import { setLanguage } from "../app/preferences";
import { type MessageId, useI18n } from "../i18n/i18n";
import { currencies, zones } from "../model/places";
import { Dial, Needle } from "../ui/Dial";
import { Choice, Submit, TextField, tooMany } from "../ui/Field";
import { useTitle } from "../ui/hooks";
import { Secure } from "./SecurePhone";
import { LANGUAGES } from "./Settings";
import "./first-run.css";
import "../app/entry.css";

type Step = "hello" | "account" | "home" | "secure" | "done";
/** How far along each is. */
const BARS: Record<Step, number> = { hello: 1, account: 1, home: 2, secure: 3, done: 4 };
const COUNT = 4;
const SHORTEST_PASSWORD = 10;

interface Draft {
  name: string;
  email: string;
  password: string;
  code: string;
  home_name: string;
  time_zone: string;
  currency: string;
}

interface FirstRunProps {
  info: SystemInfo;
  session: Session | null;
  onDone: () => void;
}

export default function FirstRun({ info, session, onDone }: FirstRunProps) {
  const { t, language } = useI18n();
  const { client } = useHub();
  useTitle(t("setup.start"));
  const [step, setStep] = useState<Step>(session ? "done" : "hello");
  const [draft, setDraft] = useState<Draft>(() => ({
    name: "",
    email: "",
    password: "",
    code: "",
    home_name: t("setup.homeNameDefault"),
    time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    currency: guessCurrency(Intl.DateTimeFormat().resolvedOptions().timeZone, navigator.language),
  }));
  const [errors, setErrors] = useState<Partial<Record<keyof Draft, string>>>({});
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const set = (field: keyof Draft) => (value: string) => {
    setDraft((before) => ({ ...before, [field]: value }));
    setErrors((before) => ({ ...before, [field]: undefined }));
  };
  const at = BARS[step];

  const checkAccount = (event: SyntheticEvent): void => {
    event.preventDefault();
    const wrong: Partial<Record<keyof Draft, string>> = {};
    const complain = (field: keyof Draft, id: MessageId): void => {
      wrong[field] = t(id);
    };
    if (!draft.name.trim()) complain("name", "setup.invalid.name");
    if (!/^[^@\s]+@[^@\s]+$/.test(draft.email.trim())) complain("email", "setup.invalid.email");
    if (draft.password.length < SHORTEST_PASSWORD) complain("password", "setup.invalid.password");
    if (info.setup === "code" && !draft.code.trim()) complain("code", "setup.invalid.code");
    setErrors(wrong);
    if (tooMany(draft.name, LONGEST_NAME) > 0) return; // its field says so
    if (Object.keys(wrong).length === 0) setStep("home");
  };

  const finish = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    if (!draft.home_name.trim()) {
      setErrors({ home_name: t("setup.invalid.home") });
      return;
    }
    if (tooMany(draft.home_name, LONGEST_NAME) > 0) return;
    setBusy(true);
    setProblem(null);
    try {
      const session = await client.request<Session>("POST", "/setup", {
        name: draft.name.trim(),
        email: draft.email.trim(),
        password: draft.password,
        home_name: draft.home_name.trim(),
        time_zone: draft.time_zone,
        currency: draft.currency,
        language,
        code: draft.code.trim() || null,
      });
      client.setSession(session);
      setStep("secure");
    } catch (error) {
      const known = error instanceof ApiError ? error.problem : null;
      const field = known?.field as keyof Draft | null | undefined;
      if (known && field && field in draft) {
        setErrors({ [field]: known.detail });
        if (["name", "email", "password", "code"].includes(field)) setStep("account");
      } else setProblem(known?.code === "setup-done" ? t("setup.closed") : known?.detail || t("login.away"));
    } finally {
      setBusy(false);
    }
  };

  return (
    <main className="entry first-run">
      <div
        className="steps"
        role="progressbar"
        aria-valuemin={1}
        aria-valuemax={COUNT}
        aria-valuenow={at}
        aria-label={t("setup.step", { step: at, count: COUNT })}
      >
        {Array.from({ length: COUNT }, (_, index) => (
          <i key={index} data-done={index < at} />
        ))}
      </div>
      {step === "hello" && <Hello info={info} onStart={() => setStep("account")} />}
      {step === "account" && (
        <form noValidate onSubmit={checkAccount}>
          <Title title={t("setup.accountTitle")} text={t("setup.accountText")} onBack={() => setStep("hello")} />
          <div className="col" style={{ gap: 16 }}>
            {info.setup === "code" && (
              <TextField
                label={t("setup.code")}
                name="code"
                hint={t("setup.codeHint")}
                autoComplete="one-time-code"
                value={draft.code}
                error={errors.code ?? null}
                onChange={set("code")}
              />
            )}
            <TextField
              label={t("setup.name")}
              name="name"
              autoComplete="name"
              limit={LONGEST_NAME}
              value={draft.name}
              error={errors.name ?? null}
              onChange={set("name")}
            />
            <TextField
              label={t("setup.email")}
              name="email"
              type="email"
              inputMode="email"
              autoComplete="username"
              value={draft.email}
              error={errors.email ?? null}
              onChange={set("email")}
            />
            <TextField
              label={t("setup.password")}
              name="password"
              type="password"
              autoComplete="new-password"
              hint={t("setup.passwordHint")}
              value={draft.password}
              error={errors.password ?? null}
              onChange={set("password")}
            />
          </div>
          <div className="foot">
            <Button type="submit" className="btn wide">
              {t("setup.next")}
            </Button>
          </div>
        </form>
      )}
      {step === "home" && (
        <form noValidate onSubmit={(event) => void finish(event)}>
          <Title title={t("setup.homeTitle")} text={t("setup.homeText")} onBack={() => setStep("account")} />
          <div className="col" style={{ gap: 16 }}>
            <TextField
              label={t("setup.homeName")}
              name="home_name"
              limit={LONGEST_NAME}
              value={draft.home_name}
              error={errors.home_name ?? null}
              onChange={set("home_name")}
            />
            <div className="pair">
              <Choice
                label={t("setup.currency")}
                value={draft.currency}
                error={errors.currency ?? null}
                options={currencies(language)}
                onChange={set("currency")}
              />
              <Choice
                label={t("setup.language")}
                value={language}
                options={LANGUAGES}
                onChange={(value) => setLanguage(value as Language)}
              />
            </div>
            <Choice
              label={t("setup.zone")}
              value={draft.time_zone}
              error={errors.time_zone ?? null}
              options={zones(draft.time_zone, language)}
              onChange={set("time_zone")}
            />
            {problem && (
              <p className="form-error" role="alert">
                <IconAlertCircle className="icon s" aria-hidden="true" />
                {problem}
              </p>
            )}
          </div>
          <div className="foot">
            <Submit busy={busy} wide>
              {t(busy ? "setup.busy" : "setup.finish")}
            </Submit>
          </div>
        </form>
      )}
      {step === "secure" && <Secure onLater={() => setStep("done")} onDone={() => setStep("done")} />}
      {step === "done" && <Done info={info} onDone={onDone} />}
    </main>
  );
}

function Title({ title, text, onBack }: { title: string; text: string; onBack: () => void }) {
  const { t } = useI18n();
  return (
    <div className="first-run-title">
      <Button className="icon-btn" aria-label={t("setup.back")} onPress={onBack}>
        <IconChevronLeft className="icon" aria-hidden="true" />
      </Button>
      <div>
        <h1>{title}</h1>
        <p className="meta">{text}</p>
      </div>
    </div>
  );
}

function Hello({ info, onStart }: { info: SystemInfo; onStart: () => void }) {
  const { t } = useI18n();
  const { client } = useHub();
  const [now, setNow] = useState(() => client.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(client.now()), 10_000);
    return () => clearInterval(timer);
  }, [client]);
  const minutes = info.setup_closes === null ? null : Math.max(1, Math.ceil((info.setup_closes - now) / 60_000));
  return (
    <>
      <PromiseArt />
      <div>
        <h1 className="promise">{t("setup.title")}</h1>
        <p className="lead">{t("setup.text")}</p>
        <div className="row wrap found-line">
          <span className="chip ok">
            <IconCheck className="icon xs" aria-hidden="true" />
            {t("setup.found")}
          </span>
          <span className="meta">
            {info.setup === "code" ? t("setup.codeNeeded") : minutes !== null && t("setup.open", { minutes })}
          </span>
        </div>
      </div>
      <div className="foot">
        <Button className="btn wide" onPress={onStart}>
          {t("setup.start")}
        </Button>
      </div>
    </>
  );
}

/** The promise, drawn: a day of a home, inked up to now. */
function PromiseArt() {
  const width = 350;
  const base = 150;
  const day = { start: Date.UTC(2024, 0, 1), end: Date.UTC(2024, 0, 2) };
  const now = 54.4 / 96;
  return (
    <svg className="promise-art" viewBox={`0 0 ${width} 180`} aria-hidden="true">
      {EXAMPLE_DAY.map((height, index) => (
        <rect
          key={index}
          x={(index / 96) * width + 0.6}
          width={width / 96 - 1.2}
          y={base - height}
          height={height}
          rx="1"
          fill={index / 96 < now ? "var(--use)" : "var(--usual)"}
        />
      ))}
      <Dial span={day} zone="UTC" x1={width} y={base} />
      <Needle x={now * width} top={12} bottom={base} />
    </svg>
  );
}

// Heights of an invented day in quarters of an hour: a quiet night, breakfast, a wash, dinner.
const EXAMPLE_DAY = [
  14, 21, 20, 13, 16, 20, 17, 21, 18, 19, 13, 19, 12, 0, 0, 8, 25, 16, 14, 15, 24, 19, 15, 13, 21, 20, 19, 22, 28, 55,
  24, 26, 22, 17, 110, 88, 103, 107, 119, 53, 20, 15, 12, 20, 22, 24, 26, 25, 111, 85, 49, 42, 111, 103, 47, 32, 31, 28,
  32, 27, 14, 21, 20, 21, 21, 26, 30, 28, 39, 63, 60, 102, 101, 97, 43, 37, 36, 37, 32, 40, 36, 37, 35, 36, 31, 24, 27,
  32, 36, 24, 31, 31, 26, 27, 30, 25,
];

function Done({ info, onDone }: { info: SystemInfo; onDone: () => void }) {
  const { t } = useI18n();
  const { client } = useHub();
  const [count, setCount] = useState<number | null>(null);
  useEffect(() => {
    let left = false;
    const look = (): void =>
      void client.get<DeviceList>("/devices").then(
        ({ items }) => !left && setCount(items.filter((device) => device.online).length),
        () => undefined, // asked again in a moment
      );
    look();
    const timer = setInterval(look, 3000);
    return () => {
      left = true;
      clearInterval(timer);
    };
  }, [client]);
  let text: ReactNode = null;
  if (info.demo) text = t("setup.doneDemo");
  else if (count !== null) text = count > 0 ? t("setup.doneFound", { count }) : t("setup.doneEmpty");
  return (
    <>
      <div className="done-mark" aria-hidden="true">
        <IconCheck className="icon" />
      </div>
      <div role="status">
        <h1 className="promise">{t("setup.doneTitle")}</h1>
        <p className="lead">{text}</p>
      </div>
      <div className="foot">
        <Button className="btn wide" onPress={onDone}>
          {t("setup.open.home")}
        </Button>
      </div>
    </>
  );
}

// prettier-ignore
const BY_REGION: Record<string, string> = {
  CH: "CHF", LI: "CHF", GB: "GBP", US: "USD", AU: "AUD", BR: "BRL", CA: "CAD", CZ: "CZK", DK: "DKK", HU: "HUF",
  IN: "INR", JP: "JPY", NO: "NOK", NZ: "NZD", PL: "PLN", RO: "RON", SE: "SEK", TR: "TRY", ZA: "ZAR",
};
// prettier-ignore
const BY_ZONE: Record<string, string> = {
  "Europe/London": "GBP", "Europe/Zurich": "CHF", "Europe/Vaduz": "CHF", "Europe/Prague": "CZK", "Europe/Oslo": "NOK",
  "Europe/Copenhagen": "DKK", "Europe/Budapest": "HUF", "Europe/Warsaw": "PLN", "Europe/Bucharest": "RON",
  "Europe/Stockholm": "SEK", "Europe/Istanbul": "TRY",
};

/** Where the clock stands says more than the language in which somebody reads. */
export function guessCurrency(zone: string, language: string): string {
  const known = BY_ZONE[zone];
  if (known) return known;
  if (zone.startsWith("Europe/")) return "EUR";
  return BY_REGION[new Intl.Locale(language).region ?? ""] ?? "EUR";
}
