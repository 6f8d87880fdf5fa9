// What adding and editing a plug share: name and room, what the hub said to a field, and a plug that is not there.
import { useState } from "react";
import { Link } from "wouter";
import { ApiError } from "../api/client";
import type { Device } from "../api/devices.types";
import { LONGEST_NAME } from "../api/types";
import { useI18n } from "../i18n/i18n";
import { TextField, tooMany } from "../ui/Field";
import { FormError } from "../ui/FormError";
import { Empty } from "../ui/States";

export const roomsOf = (devices: Device[]): string[] =>
  [...new Set(devices.map((device) => device.room).filter((room) => room !== null))].sort();

export const isTooLong = (...texts: string[]): boolean => texts.some((text) => tooMany(text, LONGEST_NAME) > 0);

/** The one error of a form: at its field, or below the form where the field is none of `fields`. */
export function useFormError(fields: string[]) {
  const { t } = useI18n();
  const [error, setError] = useState<{ field: string | null; text: string } | null>(null);
  return {
    at: (field: string): string | null => (error?.field === field ? error.text : null),
    set: (field: string, text: string): void => setError({ field, text }),
    clear: (): void => setError(null),
    refused: (problem: unknown): void => {
      const known = problem instanceof ApiError ? problem.problem : null;
      setError({ field: known?.field ?? null, text: known?.detail || t("error.title") });
    },
    below: error && !fields.includes(error.field ?? "") && <FormError text={error.text} />,
  };
}

interface NameAndRoomProps {
  name: string;
  room: string;
  rooms: string[];
  error: (field: string) => string | null;
  onName: (name: string) => void;
  onRoom: (room: string) => void;
}

export function NameAndRoom({ name, room, rooms, error, onName, onRoom }: NameAndRoomProps) {
  const { t } = useI18n();
  return (
    <>
      <TextField
        label={t("edit.name")}
        name="name"
        value={name}
        limit={LONGEST_NAME}
        error={error("name")}
        onChange={onName}
      />
      <TextField
        label={t("edit.room")}
        name="room"
        value={room}
        limit={LONGEST_NAME}
        list={rooms}
        hint={t("edit.roomHint")}
        error={error("room")}
        onChange={onRoom}
      />
    </>
  );
}

export function MissingPlug() {
  const { t } = useI18n();
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
