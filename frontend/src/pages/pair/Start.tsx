// Which plug: one found nearby, or what stands on its label; and what is waited for already.
import { IconCamera, IconChevronRight, IconHourglass, IconPlug } from "@tabler/icons-react";
import { type SyntheticEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link } from "wouter";
import { isRunning, usePairings } from "../../api/pairing";
import { useFound } from "../../api/queries";
import type { Device } from "../../api/devices.types";
import { useI18n } from "../../i18n/i18n";
import { Submit, TextField } from "../../ui/Field";
import { useDesktop } from "../../ui/hooks";
import { useFormError } from "../plug-form";
import { HARDWARE_ID, type Label, readCode, readQr, shownCode } from "./label";
import { canScan, Scan } from "./Scan";

interface StartProps {
  /** The plug that was chosen before. */
  hardwareId: string;
  replacing: Device | undefined;
  /** Asks the hub to wait for it; throws what the hub refuses. */
  open: (label: Label) => Promise<void>;
  byHand: string;
  close: () => void;
  choose: (hardwareId: string) => void;
  resume: (pairing: string) => void;
}

export function Start(props: StartProps) {
  const { t } = useI18n();
  const desktop = useDesktop();
  const { hardwareId, replacing } = props;
  const found = useFound(true).data ?? [];
  const pairings = usePairings(true).data;
  const [scanning, setScanning] = useState(() => !desktop && hardwareId === "" && canScan());
  const [camera, setCamera] = useState(canScan);
  const [read, setRead] = useState<Label | null>(null);

  if (pairings?.offered === false && !replacing)
    return (
      <section className="sheet col" style={{ gap: 14 }}>
        <h1 className="state-title">{t("pair.ownBroker")}</h1>
        <p className="meta">{t("pair.ownBrokerText")}</p>
        <Link href={props.byHand} className="btn wide">
          {t("pair.byHand")}
        </Link>
      </section>
    );
  if (scanning)
    return (
      <Scan
        found={found.length}
        onLabel={(label) => {
          setRead(label);
          setScanning(false);
        }}
        onType={() => setScanning(false)}
        onClose={props.close}
        onUnavailable={() => {
          setCamera(false);
          setScanning(false);
        }}
      />
    );
  const waiting = pairings?.items.filter(isRunning) ?? [];
  return (
    <>
      <h1>{replacing ? t("pair.replaceTitle", { name: replacing.name }) : t("pair.which")}</h1>
      {replacing && <p className="meta">{t("pair.replaceText", { name: replacing.name })}</p>}
      {!hardwareId && waiting.length + found.length > 0 && (
        <ul className="sheet flush list icons">
          {waiting.map(({ id, hardware_id: plug }) => (
            <li key={id}>
              <button type="button" className="list-row" onClick={() => props.resume(id)}>
                <IconHourglass className="icon" aria-hidden="true" />
                <span className="grow">
                  <span className="h3 block">{t("pair.waiting")}</span>
                  <span className="meta block">{plug}</span>
                </span>
                <IconChevronRight className="icon s quiet" aria-hidden="true" />
              </button>
            </li>
          ))}
          {found
            .filter((plug) => !waiting.some(({ hardware_id: waitedFor }) => waitedFor === plug.hardware_id))
            .map((plug) => (
              <li key={plug.hardware_id}>
                <button type="button" className="list-row" onClick={() => props.choose(plug.hardware_id)}>
                  <IconPlug className="icon found-icon" aria-hidden="true" />
                  <span className="grow">
                    <span className="h3 block">{t("pair.here")}</span>
                    <span className="meta block">{[plug.name, plug.model].filter(Boolean).join(" · ")}</span>
                  </span>
                  <IconChevronRight className="icon s quiet" aria-hidden="true" />
                </button>
              </li>
            ))}
        </ul>
      )}
      <LabelForm
        key={read?.hardwareId ?? hardwareId}
        read={read ?? { hardwareId, code: "" }}
        known={found.find((plug) => plug.hardware_id === hardwareId)?.code}
        open={props.open}
      />
      {camera && (
        <Button className="btn wide soft" onPress={() => setScanning(true)}>
          <IconCamera className="icon s" aria-hidden="true" />
          {t("pair.scan")}
        </Button>
      )}
      {!replacing && (
        <p className="meta pair-hand">
          {t("pair.own")}{" "}
          <Link href={props.byHand} className="strong">
            {t("pair.byHand")}
          </Link>
        </p>
      )}
    </>
  );
}

interface LabelFormProps {
  read: Label;
  /** The code of a demo plug: there is no label to look at. */
  known: string | undefined;
  open: (label: Label) => Promise<void>;
}

function LabelForm({ read, known, open }: LabelFormProps) {
  const { t } = useI18n();
  const [hardwareId, setHardwareId] = useState(read.hardwareId);
  const [code, setCode] = useState(shownCode(read.code));
  const [busy, setBusy] = useState(false);
  const error = useFormError(["hardware_id", "pairing_code"]);

  /** What is typed or pasted; the whole text of a QR code fills both fields. */
  const take = (text: string, set: (text: string) => void): void => {
    const label = readQr(text);
    if (label) {
      setHardwareId(label.hardwareId);
      setCode(shownCode(label.code));
    } else set(text);
  };

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    const plug = hardwareId.trim();
    const label = readCode(code);
    if (!HARDWARE_ID.test(plug)) {
      error.set("hardware_id", t("add.hardwareIdWrong"));
      return;
    }
    if (label === null) {
      error.set("pairing_code", t("pair.codeWrong"));
      return;
    }
    setBusy(true);
    error.clear();
    try {
      await open({ hardwareId: plug, code: label });
    } catch (problem) {
      error.refused(problem);
      setBusy(false);
    }
  };

  return (
    <form className="col" style={{ gap: 10 }} noValidate onSubmit={(event) => void submit(event)}>
      <section className="sheet col" style={{ gap: 18 }}>
        <TextField
          label={t("add.hardwareId")}
          name="hardware_id"
          value={hardwareId}
          hint={t("pair.idHint")}
          error={error.at("hardware_id")}
          onChange={(text) => take(text, setHardwareId)}
        />
        <TextField
          label={t("pair.code")}
          name="pairing_code"
          value={code}
          hint={t("pair.codeHint")}
          error={error.at("pairing_code")}
          onChange={(text) => take(text, setCode)}
        />
        {known !== undefined && (
          <div className="row apart wrap sunk">
            <span className="grow">
              <span className="meta block">{t("pair.demo")}</span>
              <span className="mono">{known}</span>
            </span>
            <Button className="btn small outline" onPress={() => setCode(known)}>
              {t("pair.demoUse")}
            </Button>
          </div>
        )}
      </section>
      {error.below}
      <Submit wide busy={busy}>
        {t("pair.connect")}
      </Submit>
    </form>
  );
}
