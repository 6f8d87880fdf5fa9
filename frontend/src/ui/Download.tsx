// The values of the time shown as a file, for a spreadsheet.
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useHub } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import type { RangeKind } from "../model/time";
import { useAnnouncer } from "./Announcer";
import { problemWords } from "./problem";

/** A line for each of these; the samples of an hour as they came. */
const BUCKET: Record<RangeKind, string> = { hour: "raw", day: "15m", week: "1h" };

export function Download({ outlet, kind, from, to }: { outlet: string; kind: RangeKind; from: number; to: number }) {
  const { t } = useI18n();
  const { client } = useHub();
  const { announce, toast } = useAnnouncer();
  const [busy, setBusy] = useState(false);

  const load = async (): Promise<void> => {
    setBusy(true);
    try {
      const query = new URLSearchParams({ device: outlet, from: `${from}`, to: `${to}`, bucket: BUCKET[kind] });
      const { blob, name } = await client.file(`/telemetry/export?${query}`);
      save(blob, name);
      announce(t("download.done", { name }));
    } catch (error) {
      toast(problemWords(t, error, "download.failed"));
    } finally {
      setBusy(false);
    }
  };

  return (
    <Button className="text-btn meta" isDisabled={busy} onPress={() => void load()}>
      {t(busy ? "download.busy" : "download.action")}
    </Button>
  );
}

export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // Safari reads it only after the click is over.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
