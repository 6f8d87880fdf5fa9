// Which lines of the audit log: of whom, what, about which thing, between which days, and only what was refused.
import type { ReactNode } from "react";
import { useI18n } from "../i18n/i18n";
import { type Filters, KINDS, type Known } from "../model/audit";
import { Choice, DateField } from "../ui/Field";
import { Segmented } from "../ui/Segmented";

interface AuditFiltersProps {
  filters: Filters;
  known: Known;
  change: (part: Partial<Filters>) => void;
  children: ReactNode;
}

export function AuditFilters({ filters, known: { members, devices }, change, children }: AuditFiltersProps) {
  const { t } = useI18n();
  const people = members.map(({ id, name }) => ({ value: id, label: name }));
  return (
    <div className="audit-filters">
      <Choice
        label={t("audit.person")}
        value={filters.actor}
        options={[
          { value: "", label: t("audit.everyone") },
          ...people,
          { value: "system", label: t("audit.who.system") },
        ]}
        onChange={(actor) => change({ actor })}
      />
      <Choice
        label={t("audit.kind")}
        value={filters.kind}
        options={[
          { value: "", label: t("audit.everything") },
          ...KINDS.map((kind) => ({ value: kind, label: t(`audit.kind.${kind}`) })),
        ]}
        onChange={(kind) => change({ kind })}
      />
      <Choice
        label={t("audit.thing")}
        value={filters.thing}
        options={[{ value: "", label: t("audit.anything") }]}
        groups={[
          { label: t("audit.plugs"), options: devices.map(({ id, name }) => ({ value: id, label: name })) },
          { label: t("audit.people"), options: people },
        ]}
        onChange={(thing) => change({ thing })}
      />
      <DateField
        label={t("audit.from")}
        value={filters.from}
        most={filters.until}
        onChange={(from) => change({ from })}
      />
      <DateField
        label={t("audit.until")}
        value={filters.until}
        least={filters.from}
        onChange={(until) => change({ until })}
      />
      <Segmented<"all" | "refused">
        label={t("audit.shown")}
        value={filters.refused ? "refused" : "all"}
        options={[
          { value: "all", label: t("audit.all") },
          { value: "refused", label: t("audit.refused") },
        ]}
        onChange={(value) => change({ refused: value === "refused" })}
      />
      <span className="grow" />
      {children}
    </div>
  );
}
