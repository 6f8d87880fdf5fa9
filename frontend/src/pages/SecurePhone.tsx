// Secure this phone: how the hub's certificate gets onto it, and whether that has worked.
import { IconCheck, IconChevronLeft } from "@tabler/icons-react";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link } from "wouter";
import { type HttpsAccess, type Trust, useTrust } from "../api/https";
import { useHub } from "../app/hub";
import { type MessageId, useI18n } from "../i18n/i18n";
import { useTitle } from "../ui/hooks";
import { SecureSteps, systemOf } from "./SecureSteps";
import "../app/entry.css";
import "./secure.css";

/** The page of its own, for everybody in the home: who is not signed in has a phone too. */
export default function SecurePhone() {
  const { t } = useI18n();
  useTitle(t("secure.title"));
  return (
    <main className="entry secure-page">
      <Link href="/" className="icon-btn secure-back" aria-label={t("setup.back")}>
        <IconChevronLeft className="icon" aria-hidden="true" />
      </Link>
      <Secure />
    </main>
  );
}

interface SecureProps {
  /** As a step of the first run: go on without, and go on. */
  onLater?: () => void;
  onDone?: () => void;
}

export function Secure({ onLater, onDone }: SecureProps) {
  const { t } = useI18n();
  const { client } = useHub();
  const [system, setSystem] = useState(() => systemOf(navigator));
  const [loaded, setLoaded] = useState<number | null>(null);
  const { access, trust } = useTrust(client, loaded !== null);
  if (!access || trust === "asking") return null;
  const [title, lead] = wordsOf(access, trust, system === "ios" || system === "android");
  const works = trust === "ready" || trust === "secure";
  return (
    <>
      <div role="status">
        <h1 className="row">
          {works && <IconCheck className="icon ok" aria-hidden="true" />}
          {t(title)}
        </h1>
        <p className="meta">{t(lead)}</p>
      </div>
      <div className="col secure-body">
        {!access.own && (trust === "open" || trust === "warned") && (
          <SecureSteps
            system={system}
            onSystem={setSystem}
            loaded={loaded}
            onLoaded={() => setLoaded(Date.now())}
            name={access.authority ?? ""}
          />
        )}
        {access.install && trust !== "off" && !access.own && <OtherDevice address={access.install} />}
      </div>
      <div className="foot">
        {works && trust === "ready" && (
          <a className="btn wide" href={`${access.address}/`}>
            {t("secure.go")}
          </a>
        )}
        {trust === "open" && !access.own && (
          <Button className="btn wide" isDisabled>
            {t(loaded === null ? "secure.first" : "secure.waits")}
          </Button>
        )}
        {trust === "warned" && loaded !== null && (
          <Button className="btn wide" onPress={() => location.reload()}>
            {t("secure.reload")}
          </Button>
        )}
        {onDone && (trust === "secure" || trust === "off") && (
          <Button className="btn wide" onPress={onDone}>
            {t("setup.next")}
          </Button>
        )}
        {onLater && !access.only && trust !== "secure" && trust !== "off" && (
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
    </>
  );
}

/** A phone reads it from this screen. */
function OtherDevice({ address }: { address: string }) {
  const { t } = useI18n();
  const at = address.lastIndexOf("/");
  return (
    <section className="sheet row secure-other" aria-labelledby="other">
      <img src="/api/v1/certificates/qr" alt={t("secure.code", { address })} width="112" height="112" />
      <div className="grow">
        <h2 className="h3" id="other">
          {t("secure.other")}
        </h2>
        <p className="meta">{t("secure.other.text")}</p>
        <p className="meta strong secure-address">
          {address.slice(0, at)}
          <wbr />
          {address.slice(at)}
        </p>
      </div>
    </section>
  );
}

/** Title and lead. */
function wordsOf(access: HttpsAccess, trust: Trust, phone: boolean): [MessageId, MessageId] {
  if (trust === "secure") return ["secure.titleDone", "secure.lead.done"];
  if (trust === "ready") return ["secure.titleReady", "secure.lead.ready"];
  const title = phone ? "secure.title" : "secure.titleComputer";
  if (trust === "off") return [title, "secure.lead.off"];
  if (access.own) return [title, "secure.lead.own"];
  return [title, trust === "warned" ? "secure.lead.warned" : "secure.lead.open"];
}
