// Name, room, icon and safety of one plug.
import { IconChevronLeft } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { RadioButton, RadioField, RadioGroup } from "react-aria-components/RadioGroup";
import { SwitchButton, SwitchField } from "react-aria-components/Switch";
import { Link, useLocation } from "wouter";
import { ApiError } from "../api/client";
import { useDevices } from "../api/queries";
import type { ChangeDeviceRequest, Device } from "../api/types";
import { useHub } from "../app/hub";
import { OfflineStrip } from "../app/Shell";
import { useI18n } from "../i18n/i18n";
import { Submit, TextField } from "../ui/Field";
import { useTitle } from "../ui/hooks";
import { APPLIANCES, ApplianceIcon } from "../ui/icons";
import { signalWord } from "../ui/signal";
import { Empty, Failed, SkeletonRows } from "../ui/States";
import "./edit.css";
import "./settings.css";
import "../ui/switch.css";

export default function EditPlug({ plug }: { plug: string }) {
  const { t } = useI18n();
  const devices = useDevices();
  const device = devices.data?.find((candidate) => candidate.key === plug);
  if (device) return <Editor device={device} rooms={roomsOf(devices.data ?? [])} />;
  if (devices.error) return <Failed error={devices.error} onRetry={() => void devices.refetch()} />;
  if (!devices.data) return <SkeletonRows rows={4} />;
  return (
    <section className="sheet">
      <Empty whole title={t("plug.missing")} text={t("plug.missingText")}>
        <Link href="/plugs" className="btn small">
          {t("plug.toPlugs")}
        </Link>
      </Empty>
    </section>
  );
}

export const roomsOf = (devices: Device[]): string[] =>
  [...new Set(devices.map((device) => device.room).filter((room) => room !== null))].sort();

function Editor({ device, rooms }: { device: Device; rooms: string[] }) {
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
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<{ field: string | null; text: string } | null>(null);
  const back = `/plugs/${device.key}`;
  const errorOf = (field: string): string | null => (error?.field === field ? error.text : null);

  const save = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    const watts = limit.trim() === "" ? null : Number(limit);
    if (!name.trim()) {
      setError({ field: "name", text: t("edit.nameMissing") });
      return;
    }
    if (watts !== null && !(Number.isInteger(watts) && watts >= 1 && watts <= 25_000)) {
      setError({ field: "max_power_w", text: t("edit.maxPowerWrong") });
      return;
    }
    const change: ChangeDeviceRequest = { name: name.trim(), room: room.trim() || null, icon, always_on: alwaysOn };
    if (watts !== (outlet?.max_power_w ?? null)) change.max_power_w = watts;
    setBusy(true);
    setError(null);
    try {
      await client.request("PATCH", `/devices/${device.id}`, change);
      await queries.invalidateQueries({ queryKey: ["devices"] });
      navigate(back);
    } catch (problem) {
      const known = problem instanceof ApiError ? problem.problem : null;
      setError({ field: known?.field ?? null, text: known?.detail || t("error.title") });
      setBusy(false);
    }
  };

  return (
    <div className="narrow">
      <header className="edit-head">
        <Link href={back} className="icon-btn" aria-label={t("plug.back")}>
          <IconChevronLeft className="icon" aria-hidden="true" />
        </Link>
        <h1>{t("edit.title", { name: device.name })}</h1>
      </header>
      <OfflineStrip />
      {device.right === "manage" ? (
        <form className="col" style={{ gap: 10 }} noValidate onSubmit={(event) => void save(event)}>
          <section className="sheet col" style={{ gap: 18 }}>
            <TextField
              label={t("edit.name")}
              name="name"
              value={name}
              maxLength={60}
              error={errorOf("name")}
              onChange={setName}
            />
            <TextField
              label={t("edit.room")}
              name="room"
              value={room}
              maxLength={60}
              list={rooms}
              hint={t("edit.roomHint")}
              error={errorOf("room")}
              onChange={setRoom}
            />
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
                  <RadioField key={key} value={key} aria-label={key.replaceAll("-", " ")}>
                    <RadioButton className="icon-option">
                      <ApplianceIcon name={key} />
                    </RadioButton>
                  </RadioField>
                ))}
              </div>
            </RadioGroup>
          </section>
          <section className="sheet col" style={{ gap: 18 }}>
            <SwitchField isSelected={alwaysOn} onChange={setAlwaysOn}>
              <SwitchButton className="ink-switch">
                <span className="grow">
                  <span className="h3 block">{t("edit.alwaysOn")}</span>
                  <span className="meta block">{t("edit.alwaysOnHint")}</span>
                </span>
                <span className="track" />
              </SwitchButton>
            </SwitchField>
            <TextField
              label={t("edit.maxPower")}
              name="max_power_w"
              value={limit}
              inputMode="numeric"
              unit="W"
              hint={t("edit.maxPowerHint")}
              error={errorOf("max_power_w")}
              onChange={setLimit}
            />
          </section>
          {error && !["name", "room", "max_power_w"].includes(error.field ?? "") && (
            <p className="form-error" role="alert">
              {error.text}
            </p>
          )}
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
      </section>
    </div>
  );
}

const minus = (value: number, language: string): string =>
  new Intl.NumberFormat(language).format(value).replace("-", "−");
