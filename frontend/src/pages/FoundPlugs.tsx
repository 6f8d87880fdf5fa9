// Plugs that are there and not added yet, each with the way to add it.
import { IconPlug } from "@tabler/icons-react";
import { Link } from "wouter";
import { useFound } from "../api/queries";
import { useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import "./found.css";

export function FoundPlugs() {
  const { t } = useI18n();
  const mayAdd = useSession().user.role !== "guest";
  const found = useFound(mayAdd).data ?? [];
  if (!mayAdd || found.length === 0) return null;
  return (
    <section className="found" aria-label={t("plugs.foundTitle", { count: found.length })}>
      {found.map((plug) => (
        <div className="note use-soft" key={plug.hardware_id}>
          <IconPlug className="icon" aria-hidden="true" />
          <span className="grow">
            <span className="h3 block">{t("plugs.foundTitle", { count: 1 })}</span>
            <span className="meta block">
              {t("plugs.foundText", { name: plug.name || plug.model || plug.hardware_id, address: plug.address })}
            </span>
          </span>
          <Link href={`/plugs/add?hardware=${encodeURIComponent(plug.hardware_id)}`} className="strong found-add">
            {t("plugs.foundAdd")}
          </Link>
        </div>
      ))}
    </section>
  );
}
