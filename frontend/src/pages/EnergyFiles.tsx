// The period shown as a file: a table for a spreadsheet, a page to print.
import { IconFileTypeCsv, IconFileTypePdf } from "@tabler/icons-react";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { type ReportAsk, reportPath } from "../api/reports";
import { useHub } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { useAnnouncer } from "../ui/Announcer";
import { save } from "../ui/Download";
import { problemWords } from "../ui/problem";

const FILES = [
  { ending: ".csv", word: "energy.csv", hint: "energy.csvHint", Icon: IconFileTypeCsv },
  { ending: ".pdf", word: "energy.pdf", hint: "energy.pdfHint", Icon: IconFileTypePdf },
] as const;

export function EnergyFiles({ ask, empty }: { ask: ReportAsk; empty: boolean }) {
  const { t } = useI18n();
  const { client } = useHub();
  const { announce, toast } = useAnnouncer();
  const [busy, setBusy] = useState<string | null>(null);

  const load = async (ending: string): Promise<void> => {
    setBusy(ending);
    try {
      const { blob, name } = await client.file(reportPath(ask, ending));
      save(blob, name);
      announce(t("download.done", { name }));
    } catch (error) {
      toast(problemWords(t, error, "download.failed"));
    } finally {
      setBusy(null);
    }
  };

  return (
    <div className="row energy-files">
      {FILES.map(({ ending, word, hint, Icon }) => (
        <Button
          key={ending}
          className="btn small outline"
          aria-label={t(hint)}
          isDisabled={empty || busy !== null}
          onPress={() => void load(ending)}
        >
          <Icon className="icon s" aria-hidden="true" />
          {t(word)}
        </Button>
      ))}
    </div>
  );
}
