// Secure this phone: how the hub's certificate is installed on each system, and whether that has worked.
import { IconCheck, IconChevronLeft, IconShieldLock } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link } from "wouter";
import { type HttpsAccess, type Trust, useTrust } from "../api/https";
import { useHub } from "../app/hub";
import { type MessageId, useI18n } from "../i18n/i18n";
import { clock } from "../model/time";
import { Choice } from "../ui/Field";
import { useTitle } from "../ui/hooks";
import "../app/entry.css";
import "./secure.css";

const SYSTEMS = ["ios", "android", "windows", "macos", "linux", "firefox"] as const;
export type System = (typeof SYSTEMS)[number];
const PROFILE = "/api/v1/certificates/ca.mobileconfig";
const FILE = "/api/v1/certificates/ca";

/** The page of its own, for everybody in the home: who is not signed in has a phone too. */
export default function SecurePhone() {
  const { t } = useI18n();
  useTitle(t("secure.title"));
  return (
    <main className="entry">
      <div>
        <Link href="/" className="icon-btn secure-back" aria-label={t("setup.back")}>
          <IconChevronLeft className="icon" aria-hidden="true" />
        </Link>
      </div>
      <Secure />
    </main>
  );
}

/** The steps, and what to press when they are done. `onLater`, `onDone`: part of the first run. */
export function Secure({ onLater, onDone }: { onLater?: () => void; onDone?: () => void }) {
  const { t, language } = useI18n();
  const { client } = useHub();
  const [system, setSystem] = useState<System>(() => systemOf(navigator));
  const [loaded, setLoaded] = useState<number | null>(null);
  const { access, trust } = useTrust(client, loaded !== null);
  if (!access || trust === "asking") return null;
  const phone = system === "ios" || system === "android";
  const installs = !access.own && (trust === "open" || trust === "warned");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <>
      <div>
        <h1>{t(phone ? "secure.title" : "secure.titleComputer")}</h1>
        <p className="meta">{t(leadOf(access, trust))}</p>
      </div>
      <div className="col secure-body">
        {installs && (
          <>
            <Choice
              label={t("secure.system")}
              value={system}
              options={SYSTEMS.map((value) => ({ value, label: t(`secure.system.${value}`) }))}
              onChange={(value) => setSystem(value as System)}
            />
            <ol className="sheet secure-steps">
              <Step number={1} state={loaded === null ? "now" : "done"} title={t("secure.get")}>
                {loaded === null
                  ? t(system === "ios" ? "secure.get.ios" : "secure.get.text")
                  : t("secure.loaded", { time: clock(loaded, zone, language) })}
                <a
                  className={loaded === null ? "btn small" : "btn small soft"}
                  href={system === "ios" ? PROFILE : FILE}
                  onClick={() => setLoaded(Date.now())}
                >
                  {t(loaded === null ? "secure.download" : "secure.again")}
                </a>
              </Step>
              <Step number={2} state={loaded === null ? "later" : "now"} title={t("secure.install")}>
                {t(`secure.install.${system}`)}
              </Step>
              <Step number={3} state="later" title={t(system === "ios" ? "secure.trust" : "secure.finish")}>
                {t(`secure.trust.${system}`, { name: access.authority ?? "" })}
              </Step>
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
        )}
        {(trust === "ready" || trust === "secure") && (
          <p className="note secure-done" role="status">
            <IconCheck className="icon s ok" aria-hidden="true" />
            {t(trust === "secure" ? "secure.isSecure" : "secure.works")}
          </p>
        )}
        {access.install && trust !== "off" && !access.own && <OtherDevice address={access.install} />}
      </div>
      <Foot
        access={access}
        trust={trust}
        waits={loaded !== null}
        {...(onLater && { onLater })}
        {...(onDone && { onDone })}
      />
    </>
  );
}

type StepState = "done" | "now" | "later";

function Step({
  number,
  state,
  title,
  children,
}: {
  number: number;
  state: StepState;
  title: string;
  children: ReactNode;
}) {
  const { t } = useI18n();
  return (
    <li className="row top" aria-current={state === "now" ? "step" : undefined}>
      <span className="step-mark" data-state={state}>
        {state === "done" ? <IconCheck className="icon xs" role="img" aria-label={t("secure.stepDone")} /> : number}
      </span>
      <div className="grow">
        <h2 className="h3">{title}</h2>
        <div className="meta secure-text">{children}</div>
      </div>
    </li>
  );
}

/** A phone reads it from this screen. */
function OtherDevice({ address }: { address: string }) {
  const { t } = useI18n();
  return (
    <section className="sheet row secure-other" aria-labelledby="other">
      <img src="/api/v1/certificates/qr" alt={t("secure.code", { address })} width="112" height="112" />
      <div className="grow">
        <h2 className="h3" id="other">
          {t("secure.other")}
        </h2>
        <p className="meta">{t("secure.other.text")}</p>
        <p className="meta strong secure-address">{address}</p>
      </div>
    </section>
  );
}

interface FootProps {
  access: HttpsAccess;
  trust: Trust;
  waits: boolean;
  onLater?: () => void;
  onDone?: () => void;
}

function Foot({ access, trust, waits, onLater, onDone }: FootProps) {
  const { t } = useI18n();
  const goes = trust === "ready" && access.address !== null;
  return (
    <div className="foot">
      {goes && (
        <a className="btn wide" href={`${access.address}/`}>
          {t("secure.go")}
        </a>
      )}
      {trust === "open" && (
        <Button className="btn wide" isDisabled>
          {t(waits ? "secure.waits" : "secure.first")}
        </Button>
      )}
      {onDone && (trust === "secure" || trust === "off") && (
        <Button className="btn wide" onPress={onDone}>
          {t("setup.next")}
        </Button>
      )}
      {onLater && !access.only && (trust === "open" || trust === "warned" || goes) && (
        <Button className="btn wide plain" onPress={onLater}>
          {t("secure.later")}
        </Button>
      )}
      {access.only && trust === "open" && (
        <a className="btn wide plain" href={`${access.address}/`}>
          {t("secure.anyway")}
        </a>
      )}
    </div>
  );
}

function leadOf(access: HttpsAccess, trust: Trust): MessageId {
  if (trust === "off") return "secure.off";
  if (trust === "secure") return "secure.lead.secure";
  if (access.own) return "secure.lead.own";
  return trust === "warned" ? "secure.lead.warned" : "secure.lead";
}

/** Which instructions are likely the right ones; people can choose others. */
export function systemOf({ userAgent, maxTouchPoints }: { userAgent: string; maxTouchPoints: number }): System {
  if (/iPhone|iPad|iPod/.test(userAgent)) return "ios";
  if (/Android/.test(userAgent)) return "android";
  if (/Macintosh/.test(userAgent)) return maxTouchPoints > 1 ? "ios" : "macos"; // an iPad calls itself a Mac
  if (/Windows/.test(userAgent)) return "windows";
  return /Firefox/.test(userAgent) ? "firefox" : "linux";
}
