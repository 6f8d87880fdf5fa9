// What an address shows that leads nowhere.
import { Link } from "wouter";
import { useI18n } from "../i18n/i18n";
import { useTitle } from "../ui/hooks";
import { Empty } from "../ui/States";

export function NotFound() {
  const { t } = useI18n();
  useTitle(t("notFound.title"));
  return (
    <section className="sheet">
      <Empty whole title={t("notFound.title")} text={t("notFound.text")}>
        <Link href="/" className="btn small">
          {t("notFound.home")}
        </Link>
      </Empty>
    </section>
  );
}
