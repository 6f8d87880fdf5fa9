// First run: the promise, the admin's account, the home. One decision a screen.
import { IconCheck, IconChevronLeft } from "@tabler/icons-react";
import { type ReactNode, type SyntheticEvent, useEffect, useState } from "react";
import { Button } from "react-aria-components/Button";
import { ApiError } from "../api/client";
import type { Session } from "../api/auth.types";
import type { DeviceList } from "../api/devices.types";
import type { SystemInfo } from "../api/system.types";
import { type Language, LONGEST_NAME } from "../api/types";
import { useHub } from "../app/hub";
import { setLanguage } from "../app/preferences";
import { type MessageId, useI18n } from "../i18n/i18n";
import { decimal } from "../model/format";
import { currencies, guessCurrency, guessWeekStart, weekDays, zones } from "../model/places";
import { money } from "../model/report";
import { Choice, Submit, TextField, tooMany } from "../ui/Field";
import { FormError } from "../ui/FormError";
import { useTitle } from "../ui/hooks";
import { readPrice } from "./EnergyPrice";
import { PromiseArt } from "./FirstRunArt";
import { Price, tooDear } from "./FirstRunPrice";
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
  week_start: string;
  price: string;
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
  const [draft, setDraft] = useState<Draft>(() => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    return {
      name: "",
      email: "",
      password: "",
      code: "",
      home_name: t("setup.homeNameDefault"),
      time_zone: zone,
      currency: guessCurrency(zone, navigator.language),
      week_start: String(guessWeekStart(zone, navigator.language)),
      price: "",
    };
  });
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
    const price = readPrice(draft.price);
    if (price === null && draft.price.trim()) {
      setErrors({ price: t("energy.priceWrong") });
      return;
    }
    if (price !== null && tooDear(price, draft.currency)) {
      const asCents = decimal(price / 100, 4, language, 0);
      setErrors({
        price: t("setup.invalid.price", { price: money(price, draft.currency, language), cents: asCents }),
      });
      return;
    }
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
        week_start: Number(draft.week_start),
        price,
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
            <Choice
              label={t("setup.language")}
              value={language}
              options={LANGUAGES}
              onChange={(value) => setLanguage(value as Language)}
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
                label={t("setup.week")}
                value={draft.week_start}
                error={errors.week_start ?? null}
                options={weekDays(language)}
                onChange={set("week_start")}
              />
            </div>
            <Choice
              label={t("setup.zone")}
              value={draft.time_zone}
              error={errors.time_zone ?? null}
              options={zones(draft.time_zone, language)}
              onChange={set("time_zone")}
            />
            <Price value={draft.price} currency={draft.currency} error={errors.price ?? null} onChange={set("price")} />
            <FormError text={problem} />
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
