// The three steps that install the hub's certificate, told for each system.
import { IconCheck, IconShieldLock } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useI18n } from "../i18n/i18n";
import { clock } from "../model/time";
import { Choice } from "../ui/Field";

export const SYSTEMS = ["ios", "android", "windows", "macos", "linux", "firefox"] as const;
export type System = (typeof SYSTEMS)[number];
const PROFILE = "/api/v1/certificates/ca.mobileconfig";
const FILE = "/api/v1/certificates/ca";

interface SecureStepsProps {
  system: System;
  onSystem: (system: System) => void;
  /** When the certificate was fetched here. */
  loaded: number | null;
  onLoaded: () => void;
  /** How the certificate is called in the system's lists. */
  name: string;
}

export function SecureSteps({ system, onSystem, loaded, onLoaded, name }: SecureStepsProps) {
  const { t, language } = useI18n();
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const first = loaded === null;
  const fetched = first
    ? t(system === "ios" ? "secure.get.ios" : "secure.get.text")
    : t("secure.loaded", { time: clock(loaded, zone, language) });
  return (
    <>
      <Choice
        label={t("secure.system")}
        value={system}
        options={SYSTEMS.map((value) => ({ value, label: t(`secure.system.${value}`) }))}
        onChange={(value) => onSystem(value as System)}
      />
      <ol className="sheet secure-steps">
        <Step number={1} state={first ? "now" : "done"} title={t("secure.get")} text={fetched}>
          <a
            className={first ? "btn small" : "btn small soft"}
            href={system === "ios" ? PROFILE : FILE}
            onClick={onLoaded}
          >
            {t(first ? "secure.download" : "secure.again")}
          </a>
        </Step>
        <Step
          number={2}
          state={first ? "later" : "now"}
          title={t("secure.install")}
          text={t(`secure.install.${system}`)}
        />
        <Step
          number={3}
          state="later"
          title={t(system === "ios" ? "secure.trust" : "secure.finish")}
          text={t(`secure.trust.${system}`, { name })}
        />
      </ol>
      <div className="sunk">
        <h2 className="h3">{t("secure.without")}</h2>
        <p className="meta">{t("secure.without.text")}</p>
      </div>
      <p className="row top secure-note meta">
        <IconShieldLock className="icon s quiet" aria-hidden="true" />
        {t("secure.limits")}
      </p>
    </>
  );
}

interface StepProps {
  number: number;
  state: "done" | "now" | "later";
  title: string;
  text: string;
  children?: ReactNode;
}

function Step({ number, state, title, text, children }: StepProps) {
  const { t } = useI18n();
  return (
    <li className="row top" aria-current={state === "now" ? "step" : undefined}>
      <span className="step-mark" data-state={state}>
        {state === "done" ? <IconCheck className="icon xs" role="img" aria-label={t("secure.stepDone")} /> : number}
      </span>
      <div className="grow">
        <h2 className="h3">{title}</h2>
        <p className="meta">{text}</p>
      </div>
      {children}
    </li>
  );
}

/** Which instructions are likely the right ones; people can choose others. */
export function systemOf({ userAgent, maxTouchPoints }: { userAgent: string; maxTouchPoints: number }): System {
  if (/iPhone|iPad|iPod/.test(userAgent)) return "ios";
  if (/Android/.test(userAgent)) return "android";
  if (/Macintosh/.test(userAgent)) return maxTouchPoints > 1 ? "ios" : "macos"; // an iPad calls itself a Mac
  if (/Windows/.test(userAgent)) return "windows";
  return /Firefox/.test(userAgent) ? "firefox" : "linux";
}
