// Takes a plug out of the home. Its history goes with it and there is no way back, so this is asked once, by name.
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { Dialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { useLocation } from "wouter";
import { outletKey } from "../api/live";
import { ApiError } from "../api/client";
import { useTelemetry } from "../api/queries";
import type { Device } from "../api/devices.types";
import { useConnection, useHub, useNow, useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { fullDate, HOUR } from "../model/time";
import { useAnnouncer } from "../ui/Announcer";
import { FormError } from "../ui/FormError";
import { problemWords } from "../ui/problem";
import "../ui/dialog.css";

/** The longest time that the hub answers for at once. */
const FAR_BACK = 3660 * 24 * HOUR;

interface RemovePlugProps {
  device: Device;
  /** The page keeps showing the plug while the hub forgets it. */
  onRemoving: (removing: boolean) => void;
}

export function RemovePlug({ device, onRemoving }: RemovePlugProps) {
  const { t } = useI18n();
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const away = useConnection().state === "away";
  return (
    <section className="sheet row apart wrap" aria-labelledby="remove">
      <span className="grow remove-text">
        <h2 id="remove">{t("remove.title")}</h2>
        <span className="meta block">{t("remove.text")}</span>
      </span>
      <Button className="btn outline danger" isDisabled={away} onPress={() => setOpen(true)}>
        {t("remove.action")}
      </Button>
      <ModalOverlay
        className="dialog-ground"
        isOpen={open}
        isDismissable={!busy}
        isKeyboardDismissDisabled={busy}
        onOpenChange={setOpen}
      >
        <Modal className="dialog">
          <Question
            device={device}
            busy={busy}
            setBusy={setBusy}
            onKeep={() => setOpen(false)}
            onRemoving={onRemoving}
          />
        </Modal>
      </ModalOverlay>
    </section>
  );
}

interface QuestionProps extends RemovePlugProps {
  busy: boolean;
  setBusy: (busy: boolean) => void;
  onKeep: () => void;
}

function Question({ device, busy, setBusy, onKeep, onRemoving }: QuestionProps) {
  const { t } = useI18n();
  const { client } = useHub();
  const queries = useQueryClient();
  const { toast } = useAnnouncer();
  const [, navigate] = useLocation();
  const [error, setError] = useState<string | null>(null);
  const since = useSince(device);
  const { name } = device;

  const remove = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setError(null);
    onRemoving(true);
    try {
      await client.request("DELETE", `/devices/${device.id}`);
    } catch (problem) {
      // Somebody else was faster: what was asked for is done.
      if (!(problem instanceof ApiError && problem.status === 404)) {
        setError(problemWords(t, problem));
        setBusy(false);
        onRemoving(false);
        return;
      }
    }
    queries.setQueryData<Device[]>(["devices"], (devices) => devices?.filter(({ id }) => id !== device.id));
    void queries.invalidateQueries({ queryKey: ["rejects"] });
    navigate("/plugs");
    toast(t("remove.done", { name }));
  };

  return (
    <Dialog role="alertdialog">
      <Heading slot="title" className="h2">
        {t("remove.question", { name })}
      </Heading>
      <p className="meta">{since === null ? t("remove.lost") : t("remove.lostSince", { date: since })}</p>
      <FormError text={error} />
      <div className="row dialog-acts">
        <Button className="btn outline" autoFocus isDisabled={busy} onPress={onKeep}>
          {t("remove.keep")}
        </Button>
        <Button className="btn bad" isPending={busy} onPress={() => void remove()}>
          {busy ? t("remove.busy") : t("remove.confirm", { name })}
        </Button>
      </div>
    </Dialog>
  );
}

/** The first day that the history of this plug holds. */
function useSince({ id, channels }: Device): string | null {
  const { language } = useI18n();
  const { home } = useSession();
  const opened = useState(useNow(HOUR))[0];
  const outlets = channels.map(({ channel }) => outletKey(id, channel));
  const { data } = useTelemetry({ outlets, from: opened - FAR_BACK, to: opened, bucket: "1d", refresh: false });
  const first = Math.min(...(data?.series ?? []).flatMap(({ at }) => at.slice(0, 1)));
  return Number.isFinite(first) ? fullDate(first, home.time_zone, language) : null;
}
