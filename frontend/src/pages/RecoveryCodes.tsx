// The recovery codes, shown once: they leave the page only when somebody says that they are kept.
import { IconDownload, IconPrinter } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { save } from "../ui/Download";
import { CopyButton } from "../ui/Secret";

export const CODES_FILE = "plughub-recovery-codes.txt";

/** What is printed, copied and written to a file. */
export const codesText = (title: string, email: string, codes: string[]): string =>
  [title, email, "", ...codes, ""].join("\n");

export function RecoveryCodes({ codes, onKept }: { codes: string[]; onKept: () => void }) {
  const { t } = useI18n();
  const { user } = useSession();
  const [kept, setKept] = useState(false);
  const text = codesText(t("account.codes.file"), user.email, codes);
  // They cannot be shown again, so the page does not go without asking.
  useEffect(() => {
    const stay = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener("beforeunload", stay);
    return () => window.removeEventListener("beforeunload", stay);
  }, []);
  return (
    <div className="col codes">
      <p className="meta">{t("account.codes.text")}</p>
      <ul className="codes-list mono" aria-label={t("account.codes.title")}>
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <div className="row wrap codes-acts">
        <CopyButton text={text} />
        <Button
          className="btn small outline"
          onPress={() => save(new Blob([text], { type: "text/plain;charset=utf-8" }), CODES_FILE)}
        >
          <IconDownload className="icon xs" aria-hidden="true" />
          {t("account.codes.download")}
        </Button>
        <Button className="btn small outline" onPress={() => window.print()}>
          <IconPrinter className="icon xs" aria-hidden="true" />
          {t("account.codes.print")}
        </Button>
      </div>
      <label className="check">
        <input type="checkbox" checked={kept} onChange={(event) => setKept(event.target.checked)} />
        {t("account.codes.kept")}
      </label>
      <Button className="btn" isDisabled={!kept} onPress={onKept}>
        {t("account.codes.done")}
      </Button>
    </div>
  );
}
