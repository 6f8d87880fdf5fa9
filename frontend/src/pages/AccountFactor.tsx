// The second factor: password, then the app's QR code and a code of it, then recovery codes that are shown once.
import { IconCircleCheck, IconShieldLock } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useEffect, useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useSecondFactor } from "../api/people";
import type { Enrolment, RecoveryCodes as Codes } from "../api/people.types";
import { useConnection, useHub, useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { useAnnouncer } from "../ui/Announcer";
import { Ask } from "../ui/Ask";
import { Submit, TextField } from "../ui/Field";
import { QrCode, SecretText } from "../ui/Secret";
import { Failed, Skeleton } from "../ui/States";
import { YourPassword } from "../ui/YourPassword";
import { useFormError } from "./plug-form";
import { RecoveryCodes } from "./RecoveryCodes";

type Step =
  { at: "rest" } | { at: "password" } | { at: "app"; enrolment: Enrolment } | { at: "codes"; codes: string[] };

export function AccountFactor() {
  const { t } = useI18n();
  const { client } = useHub();
  const { user } = useSession();
  const queries = useQueryClient();
  const { toast } = useAnnouncer();
  const factor = useSecondFactor();
  const away = useConnection().state === "away";
  const [step, setStep] = useState<Step>({ at: "rest" });
  const [asks, setAsks] = useState<"codes" | "remove" | null>(null);
  const title = useRef<HTMLHeadingElement>(null);
  const moved = useRef(false);
  // Each step begins at its title: the field that had the focus is gone.
  useEffect(() => {
    if (moved.current) title.current?.focus();
    moved.current = true;
  }, [step.at]);

  const renewed = async (enabled: boolean): Promise<void> => {
    await queries.invalidateQueries({ queryKey: ["second-factor"] });
    await queries.invalidateQueries({ queryKey: ["members"] });
    client.know({ user: { ...user, second_factor: enabled } });
  };
  const { data } = factor;

  let body;
  if (step.at === "password")
    body = <Begin onBack={() => setStep({ at: "rest" })} onBegun={(enrolment) => setStep({ at: "app", enrolment })} />;
  else if (step.at === "app")
    body = (
      <Confirm
        enrolment={step.enrolment}
        onBack={() => setStep({ at: "rest" })}
        onCodes={(codes) => setStep({ at: "codes", codes })}
      />
    );
  else if (step.at === "codes")
    body = (
      <RecoveryCodes
        codes={step.codes}
        onKept={() => {
          setStep({ at: "rest" });
          void renewed(true);
          toast(t("account.factor.done"));
        }}
      />
    );
  else if (data)
    body = data.enabled ? (
      <>
        <p className="row factor-state">
          <IconCircleCheck className="icon s ok" aria-hidden="true" />
          <span>
            <span className="h3 block">{t("account.factor.on")}</span>
            <span className={data.recovery_codes_left < 3 ? "meta block warn" : "meta block"}>
              {t("account.factor.left", { count: data.recovery_codes_left })}
            </span>
          </span>
        </p>
        <div className="row wrap">
          <Button className="btn outline" isDisabled={away} onPress={() => setAsks("codes")}>
            {t("account.factor.renew")}
          </Button>
          <Button className="btn outline danger" isDisabled={away} onPress={() => setAsks("remove")}>
            {t("account.factor.remove")}
          </Button>
        </div>
      </>
    ) : (
      <>
        <p className="meta factor-text">{t("account.factor.text")}</p>
        <Button className="btn outline" isDisabled={away} onPress={() => setStep({ at: "password" })}>
          <IconShieldLock className="icon s" aria-hidden="true" />
          {t("account.factor.begin")}
        </Button>
      </>
    );
  else if (factor.error) body = <Failed error={factor.error} onRetry={() => void factor.refetch()} />;
  else body = <Skeleton height={80} style={{ marginTop: 12 }} />;

  return (
    <section className="sheet" aria-labelledby="factor">
      <h2 id="factor" ref={title} tabIndex={-1}>
        {t(step.at === "codes" ? "account.codes.title" : "account.factor.title")}
      </h2>
      {body}
      <Ask
        open={asks === "codes"}
        password
        title={t("account.factor.renewTitle")}
        text={t("account.factor.renewText")}
        act={t("account.factor.renewAct")}
        onClose={() => setAsks(null)}
        onAct={async (password) => {
          const { codes } = await client.request<Codes>("POST", "/account/second-factor/codes", { password });
          setStep({ at: "codes", codes });
        }}
      />
      <Ask
        open={asks === "remove"}
        bad
        password
        title={t("account.factor.removeTitle")}
        text={t("account.factor.removeText")}
        act={t("account.factor.remove")}
        onClose={() => setAsks(null)}
        onAct={async (password) => {
          await client.request("POST", "/account/second-factor/remove", { password });
          await renewed(false);
          toast(t("account.factor.removed"));
        }}
      />
    </section>
  );
}

interface BeginProps {
  onBack: () => void;
  onBegun: (enrolment: Enrolment) => void;
}

function Begin({ onBack, onBegun }: BeginProps) {
  const { t } = useI18n();
  const { client } = useHub();
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const error = useFormError(["password"]);
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    if (!password) {
      error.set("password", t("account.passwordMissing"));
      return;
    }
    setBusy(true);
    error.clear();
    try {
      onBegun(await client.request<Enrolment>("POST", "/account/second-factor", { password }));
    } catch (problem) {
      error.refused(problem);
      setBusy(false);
    }
  };
  return (
    <form className="col account-form" noValidate onSubmit={(event) => void submit(event)}>
      <p className="meta">{t("account.factor.passwordText")}</p>
      <YourPassword value={password} error={error.at("password")} onChange={setPassword} />
      {error.below}
      <div className="row">
        <Submit busy={busy}>{t("setup.next")}</Submit>
        <Button className="btn soft" onPress={onBack}>
          {t("edit.cancel")}
        </Button>
      </div>
    </form>
  );
}

interface ConfirmProps {
  enrolment: Enrolment;
  onBack: () => void;
  onCodes: (codes: string[]) => void;
}

function Confirm({ enrolment, onBack, onCodes }: ConfirmProps) {
  const { t } = useI18n();
  const { client } = useHub();
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const error = useFormError(["code"]);
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    // Apps show it in two groups.
    const given = code.replaceAll(/\s/g, "");
    if (!/^\d{6}$/.test(given)) {
      error.set("code", t("account.factor.codeWrong"));
      return;
    }
    setBusy(true);
    error.clear();
    try {
      onCodes((await client.request<Codes>("POST", "/account/second-factor/confirm", { code: given })).codes);
    } catch (problem) {
      error.refused(problem);
      setBusy(false);
    }
  };
  return (
    <form className="col account-form" noValidate onSubmit={(event) => void submit(event)}>
      <p className="meta">{t("account.factor.scan")}</p>
      <div className="row top factor-app">
        <QrCode svg={enrolment.qr} label={t("account.factor.qr")} />
        <div className="grow col">
          <SecretText label={t("account.factor.secret")} value={enrolment.secret.replaceAll(/(.{4})(?=.)/g, "$1 ")} />
          <a className="btn small outline factor-link" href={enrolment.link}>
            {t("account.factor.open")}
          </a>
        </div>
      </div>
      <TextField
        label={t("account.factor.code")}
        name="code"
        hint={t("account.factor.codeHint")}
        inputMode="numeric"
        autoComplete="one-time-code"
        value={code}
        error={error.at("code")}
        onChange={setCode}
      />
      {error.below}
      <div className="row">
        <Submit busy={busy}>{t("account.factor.confirm")}</Submit>
        <Button className="btn soft" onPress={onBack}>
          {t("edit.cancel")}
        </Button>
      </div>
    </form>
  );
}
