// Name, room, icon and safety of one plug, and the way to remove it.
import { useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { RadioButton, RadioField, RadioGroup } from "react-aria-components/RadioGroup";
import { Link, useLocation } from "wouter";
import { useDevices } from "../api/queries";
import type { ChangeDeviceRequest, Device } from "../api/devices.types";
import { useHub } from "../app/hub";
import { type MessageId, useI18n } from "../i18n/i18n";
import { Submit, TextField } from "../ui/Field";
import { useTitle } from "../ui/hooks";
import { APPLIANCES, ApplianceIcon } from "../ui/icons";
import { signalWord } from "../ui/signal";
import { Failed, SkeletonRows } from "../ui/States";
import { Switch } from "../ui/Switch";
import { EditHead } from "./EditHead";
import { KeepHistory, keptOf, retentionOf } from "./KeepHistory";
import { isTooLong, MissingPlug, NameAndRoom, roomsOf, useFormError } from "./plug-form";
import { RemovePlug } from "./RemovePlug";
import "./edit.css";
import "./settings.css";

export default function EditPlug({ plug }: { plug: string }) {
  const devices = useDevices();
  const [leaving, setLeaving] = useState<Device | null>(null);
  const device = devices.data?.find((candidate) => candidate.key === plug) ?? leaving;
  if (device)
    return (
      <Editor
        device={device}
        rooms={roomsOf(devices.data ?? [])}
        onRemoving={(removing) => setLeaving(removing ? device : null)}
      />
    );
  if (devices.error) return <Failed error={devices.error} onRetry={() => void devices.refetch()} />;
  if (!devices.data) return <SkeletonRows rows={4} />;
  return <MissingPlug />;
}

interface EditorProps {
  device: Device;
  rooms: string[];
  onRemoving: (removing: boolean) => void;
}

function Editor({ device, rooms, onRemoving }: EditorProps) {
  const { t, language } = useI18n();
  const { client } = useHub();
  const queries = useQueryClient();
  useTitle(t("edit.title", { name: device.name }));
  const [, navigate] = useLocation();
  const outlet = device.channels[0];
  const [name, setName] = useState(device.name);
  const [room, setRoom] = useState(device.room ?? "");
  const [icon, setIcon] = useState(device.icon);
  const [alwaysOn, setAlwaysOn] = useState(device.always_on);
  const [limit, setLimit] = useState(outlet?.max_power_w ? String(outlet.max_power_w) : "");
  const [kept, setKept] = useState(() => keptOf(device.retention));
  const [busy, setBusy] = useState(false);
  const error = useFormError(["name", "room", "max_power_w", "retention"]);
  const back = `/plugs/${device.key}`;

  const save = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    const watts = limit.trim() === "" ? null : Number(limit);
    if (!name.trim()) {
      error.set("name", t("edit.nameMissing"));
      return;
    }
    if (isTooLong(name, room)) return; // its field says so
    if (watts !== null && !(Number.isInteger(watts) && watts >= 1 && watts <= 25_000)) {
      error.set("max_power_w", t("edit.maxPowerWrong"));
      return;
    }
    const retention = retentionOf(kept);
    if (retention === undefined) {
      error.set("retention", t("edit.keepWrong"));
      return;
    }
    const change: ChangeDeviceRequest = { name: name.trim(), room: room.trim() || null, icon, always_on: alwaysOn };
    if (watts !== (outlet?.max_power_w ?? null)) change.max_power_w = watts;
    if (JSON.stringify(kept) !== JSON.stringify(keptOf(device.retention))) change.retention = retention;
    setBusy(true);
    error.clear();
    try {
      await client.request("PATCH", `/devices/${device.id}`, change);
      await queries.invalidateQueries({ queryKey: ["devices"] });
      navigate(back);
    } catch (problem) {
      error.refused(problem);
      setBusy(false);
    }
  };

  return (
    <div className="narrow">
      <EditHead href={back} back={t("plug.back")} title={t("edit.title", { name: device.name })} />
      {device.right === "manage" ? (
        <form className="col" style={{ gap: 10 }} noValidate onSubmit={(event) => void save(event)}>
          <section className="sheet col" style={{ gap: 18 }}>
            <NameAndRoom name={name} room={room} rooms={rooms} error={error.at} onName={setName} onRoom={setRoom} />
            <RadioGroup
              className="icon-choice"
              value={icon}
              onChange={setIcon}
              orientation="horizontal"
              aria-label={t("edit.icon")}
            >
              <span className="field-label" aria-hidden="true">
                {t("edit.icon")}
              </span>
              <div>
                {Object.keys(APPLIANCES).map((key) => (
                  <RadioField key={key} value={key} aria-label={t(`icon.${key}` as MessageId)}>
                    <RadioButton className="icon-option">
                      <ApplianceIcon name={key} />
                    </RadioButton>
                  </RadioField>
                ))}
              </div>
            </RadioGroup>
          </section>
          <section className="sheet col" style={{ gap: 18 }}>
            <Switch
              label={t("edit.alwaysOn")}
              hint={t("edit.alwaysOnHint")}
              isSelected={alwaysOn}
              onChange={setAlwaysOn}
            />
            <TextField
              label={t("edit.maxPower")}
              name="max_power_w"
              value={limit}
              inputMode="numeric"
              unit="W"
              hint={t("edit.maxPowerHint")}
              error={error.at("max_power_w")}
              onChange={setLimit}
            />
          </section>
          <KeepHistory kept={kept} error={error.at("retention")} onChange={setKept} />
          {error.below}
          <div className="row edit-acts">
            <Submit busy={busy}>{t(busy ? "edit.saving" : "edit.save")}</Submit>
            <Link href={back} className="btn soft">
              {t("edit.cancel")}
            </Link>
          </div>
        </form>
      ) : (
        <p className="note">{t("edit.notAllowed")}</p>
      )}
      <section className="sheet" aria-labelledby="details" style={{ marginTop: 10 }}>
        <h2 id="details">{t("edit.details")}</h2>
        <dl className="facts">
          <div>
            <dt>{t("edit.model")}</dt>
            <dd>{device.model ?? "–"}</dd>
          </div>
          <div>
            <dt>{t("edit.firmware")}</dt>
            <dd>{device.firmware ?? "–"}</dd>
          </div>
          <div>
            <dt>{t("edit.signal")}</dt>
            <dd>{device.rssi === null ? "–" : `${signalWord(t, device.rssi)}, ${minus(device.rssi, language)} dBm`}</dd>
          </div>
          <div>
            <dt>{t("edit.hardwareId")}</dt>
            <dd className="mono">{device.hardware_id}</dd>
          </div>
          <div>
            <dt>{t("edit.key")}</dt>
            <dd className="mono">{device.key}</dd>
          </div>
        </dl>
        {device.newer_firmware !== null && (
          <p className="note warn-soft" style={{ marginTop: 16 }}>
            {t("edit.firmwareOlder", { version: device.newer_firmware })}
          </p>
        )}
      </section>
      {device.right === "manage" && device.driver === "smartplug" && (
        <section className="sheet row apart wrap" aria-labelledby="replace" style={{ marginTop: 10 }}>
          <span className="grow remove-text">
            <h2 id="replace">{t("replace.title")}</h2>
            <span className="meta block">{t("replace.text")}</span>
          </span>
          <Link href={`/plugs/add?replace=${device.key}`} className="btn outline">
            {t("replace.action")}
          </Link>
        </section>
      )}
      {device.right === "manage" && <RemovePlug device={device} onRemoving={onRemoving} />}
    </div>
  );
}

const minus = (value: number, language: string): string =>
  new Intl.NumberFormat(language).format(value).replace("-", "−");
