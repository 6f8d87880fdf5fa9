// The plug is here and measures: what is plugged in, how it is called, where it is, and whether it is never off.
import { IconDots, IconPlus } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { RadioButton, RadioField, RadioGroup } from "react-aria-components/RadioGroup";
import { Link, useLocation } from "wouter";
import { useDevices, useReading } from "../../api/queries";
import type { ChangeDeviceRequest, Device } from "../../api/devices.types";
import type { Pairing } from "../../api/pairing.types";
import { LONGEST_NAME } from "../../api/types";
import { useHub } from "../../app/hub";
import { type MessageId, useI18n } from "../../i18n/i18n";
import { Submit, TextField } from "../../ui/Field";
import { APPLIANCES, ApplianceIcon } from "../../ui/icons";
import { Power } from "../../ui/Quantity";
import { SkeletonRows } from "../../ui/States";
import { Switch } from "../../ui/Switch";
import { isTooLong, roomsOf, useFormError } from "../plug-form";
import { PlugRing } from "./PlugRing";

const FIRST = ["kettle", "coffee", "microwave", "fridge", "wash-machine", "device-tv", "lamp"];

export function NamePlug({ id, pairing }: { id: string; pairing: Pairing }) {
  const { t } = useI18n();
  const devices = useDevices().data ?? [];
  const device = devices.find((candidate) => candidate.id === id);
  if (!device) return <SkeletonRows rows={3} />;
  return (
    <>
      <Measured device={device} />
      {pairing.replaces === null ? (
        <Form device={device} rooms={roomsOf(devices)} />
      ) : (
        <>
          <div className="pair-say pair-left" role="status">
            <h1>{t("pair.back", { name: device.name })}</h1>
            <p className="meta">{t("pair.backText")}</p>
          </div>
          <Link href={`/plugs/${device.key}`} className="btn wide">
            {t("add.toPlug")}
          </Link>
        </>
      )}
    </>
  );
}

function Measured({ device }: { device: Device }) {
  const { t } = useI18n();
  const { power } = useReading(device.id, device.channels[0]?.channel ?? 0);
  return (
    <div className="row pair-measured">
      <PlugRing share={1} tone="ok" size={96} />
      <div role="status">
        <Power watts={power} size="big" />
        <p className="meta row">
          <span className={power === null ? "alive off" : "alive"} />
          {t(power === null ? "pair.noValue" : "pair.measures")}
        </p>
      </div>
    </div>
  );
}

function Form({ device, rooms }: { device: Device; rooms: string[] }) {
  const { t } = useI18n();
  const { client } = useHub();
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const [icon, setIcon] = useState<string | null>(null);
  // What it is called until now is what stands on its label: no name to keep.
  const [name, setName] = useState<string | null>(device.name === device.hardware_id ? null : device.name);
  const [room, setRoom] = useState(device.room ?? "");
  const [alwaysOn, setAlwaysOn] = useState(false);
  const [all, setAll] = useState(false);
  const [busy, setBusy] = useState(false);
  const error = useFormError(["name", "room"]);
  const shownName = name ?? (icon === null ? "" : t(`icon.${icon}` as MessageId));

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (!shownName.trim()) {
      error.set("name", t("edit.nameMissing"));
      return;
    }
    if (isTooLong(shownName, room)) return; // its field says so
    setBusy(true);
    error.clear();
    const change: ChangeDeviceRequest = { name: shownName.trim(), room: room.trim() || null, always_on: alwaysOn };
    if (icon !== null) change.icon = icon;
    try {
      await client.request("PATCH", `/devices/${device.id}`, change);
      await queries.invalidateQueries({ queryKey: ["devices"] });
      navigate(`/plugs/${device.key}`);
    } catch (problem) {
      error.refused(problem);
      setBusy(false);
    }
  };

  return (
    <form className="col" style={{ gap: 18 }} noValidate onSubmit={(event) => void submit(event)}>
      <RadioGroup className="col" style={{ gap: 14 }} value={icon} onChange={setIcon} aria-labelledby="what">
        <h1 id="what">{t("pair.what")}</h1>
        <div className="appliances">
          {(all ? Object.keys(APPLIANCES) : FIRST).map((key) => (
            <RadioField key={key} value={key}>
              <RadioButton className="appliance">
                <ApplianceIcon name={key} />
                <span>{t(`icon.${key}` as MessageId)}</span>
              </RadioButton>
            </RadioField>
          ))}
          {!all && (
            <Button className="appliance" onPress={() => setAll(true)}>
              <IconDots className="icon" aria-hidden="true" />
              <span>{t("pair.other")}</span>
            </Button>
          )}
        </div>
      </RadioGroup>
      <TextField
        label={t("edit.name")}
        name="name"
        value={shownName}
        limit={LONGEST_NAME}
        error={error.at("name")}
        onChange={setName}
      />
      <RoomChoice rooms={rooms} room={room} error={error.at("room")} onRoom={setRoom} />
      <Switch label={t("edit.alwaysOn")} hint={t("edit.alwaysOnHint")} isSelected={alwaysOn} onChange={setAlwaysOn} />
      {error.below}
      <Submit wide busy={busy}>
        {t(busy ? "edit.saving" : "pair.finish")}
      </Submit>
    </form>
  );
}

interface RoomChoiceProps {
  rooms: string[];
  room: string;
  error: string | null;
  onRoom: (room: string) => void;
}

function RoomChoice({ rooms, room, error, onRoom }: RoomChoiceProps) {
  const { t } = useI18n();
  const [fresh, setFresh] = useState(rooms.length === 0);
  const choose = (chosen: string): void => {
    setFresh(false);
    onRoom(chosen === room ? "" : chosen);
  };
  return (
    <div role="group" aria-label={t("edit.room")}>
      {rooms.length > 0 && (
        <>
          <span className="field-label" aria-hidden="true">
            {t("edit.room")}
          </span>
          <div className="row wrap room-chips">
            {rooms.map((known) => (
              <Button
                key={known}
                className={!fresh && known === room ? "chip ink" : "chip"}
                aria-pressed={!fresh && known === room}
                onPress={() => choose(known)}
              >
                {known}
              </Button>
            ))}
            <Button
              className={fresh ? "chip ink" : "chip outline"}
              aria-pressed={fresh}
              onPress={() => {
                setFresh(true);
                onRoom("");
              }}
            >
              <IconPlus className="icon xs" aria-hidden="true" />
              {t("pair.newRoom")}
            </Button>
          </div>
        </>
      )}
      {fresh && (
        <div style={{ marginTop: rooms.length > 0 ? 12 : 0 }}>
          <TextField
            label={t(rooms.length > 0 ? "pair.roomName" : "edit.room")}
            name="room"
            value={room}
            limit={LONGEST_NAME}
            hint={t("edit.roomHint")}
            error={error}
            onChange={onRoom}
          />
        </div>
      )}
    </div>
  );
}
