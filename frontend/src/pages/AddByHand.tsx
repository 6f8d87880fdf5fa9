// Adds a plug that is set up by hand, for people who build their own: the hub makes its login and shows it once.
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link } from "wouter";
import { useDevices, useFound } from "../api/queries";
import type { AddedDevice } from "../api/devices.types";
import { useHub } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { Submit, TextField } from "../ui/Field";
import { HARDWARE_ID } from "./pair/label";
import { isTooLong, NameAndRoom, roomsOf, useFormError } from "./plug-form";

// The settings of an MQTT broker that name its files: the same in every language.
const PASSWORD_FILE = "password_file";
const ACL_FILE = "acl_file";

export function AddByHand({ hardwareId }: { hardwareId: string }) {
  const [added, setAdded] = useState<AddedDevice | null>(null);
  const { t } = useI18n();
  return (
    <>
      <h1>{t("pair.byHand")}</h1>
      {added ? <Done added={added} /> : <Form asked={hardwareId} onAdded={setAdded} />}
    </>
  );
}

function Form({ asked, onAdded }: { asked: string; onAdded: (added: AddedDevice) => void }) {
  const { t } = useI18n();
  const { client } = useHub();
  const queries = useQueryClient();
  const found = useFound(true).data?.find((plug) => plug.hardware_id === asked);
  const rooms = roomsOf(useDevices().data ?? []);
  const [hardwareId, setHardwareId] = useState(asked);
  const [name, setName] = useState<string | null>(null);
  const [room, setRoom] = useState("");
  const [busy, setBusy] = useState(false);
  const error = useFormError(["hardware_id", "name", "room"]);
  const shownName = name ?? found?.name ?? "";

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (!HARDWARE_ID.test(hardwareId)) {
      error.set("hardware_id", t("add.hardwareIdWrong"));
      return;
    }
    if (!shownName.trim()) {
      error.set("name", t("edit.nameMissing"));
      return;
    }
    if (isTooLong(shownName, room)) return; // its field says so
    setBusy(true);
    error.clear();
    try {
      const body = { hardware_id: hardwareId, name: shownName.trim(), room: room.trim() || null };
      const added = await client.request<AddedDevice>("POST", "/devices", body);
      await Promise.all(["devices", "found"].map((key) => queries.invalidateQueries({ queryKey: [key] })));
      onAdded(added);
    } catch (problem) {
      error.refused(problem);
      setBusy(false);
    }
  };

  return (
    <form className="col" style={{ gap: 10 }} noValidate onSubmit={(event) => void submit(event)}>
      <section className="sheet col" style={{ gap: 18 }}>
        <p className="meta">{t("add.text")}</p>
        <TextField
          label={t("add.hardwareId")}
          name="hardware_id"
          value={hardwareId}
          hint={t("add.hardwareIdHint")}
          error={error.at("hardware_id")}
          onChange={setHardwareId}
        />
        <NameAndRoom name={shownName} room={room} rooms={rooms} error={error.at} onName={setName} onRoom={setRoom} />
      </section>
      {error.below}
      <div className="row edit-acts">
        <Submit busy={busy}>{t("add.submit")}</Submit>
        <Link href="/plugs" className="btn soft">
          {t("edit.cancel")}
        </Link>
      </div>
    </form>
  );
}

function Done({ added: { device, secret, broker_lines: lines } }: { added: AddedDevice }) {
  const { t } = useI18n();
  return (
    <section className="sheet col" style={{ gap: 14 }}>
      <h2>{t("add.doneTitle", { name: device.name })}</h2>
      <p className="meta">{t("add.doneText")}</p>
      <Secret label={t("add.user")} value={device.hardware_id} />
      <Secret label={t("add.password")} value={secret} />
      {lines && (
        <>
          <p className="meta">{t("add.linesText")}</p>
          <Secret label={PASSWORD_FILE} value={lines.password} />
          <Secret label={ACL_FILE} value={lines.rules.join("\n")} />
        </>
      )}
      <Link href={`/plugs/${device.key}`} className="btn">
        {t("add.toPlug")}
      </Link>
    </section>
  );
}

function Secret({ label, value }: { label: string; value: string }) {
  const { t } = useI18n();
  const [copied, setCopied] = useState(false);
  // Over plain HTTP a browser has no clipboard for pages: then the text can only be selected.
  const clipboard = "clipboard" in navigator ? (navigator.clipboard as Clipboard | undefined) : undefined;
  return (
    <div>
      <span className="field-label">{label}</span>
      <div className="secret">
        <span className="mono grow">{value}</span>
        {clipboard && (
          <Button
            className="btn small outline"
            onPress={() => void clipboard.writeText(value).then(() => setCopied(true))}
          >
            {copied ? (
              <IconCheck className="icon xs" aria-hidden="true" />
            ) : (
              <IconCopy className="icon xs" aria-hidden="true" />
            )}
            {t(copied ? "add.copied" : "add.copy")}
          </Button>
        )}
      </div>
    </div>
  );
}
