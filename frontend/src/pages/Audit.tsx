// The audit log, for admins: who did what, from where, what it was before, and who was refused.
import { IconBan, IconChevronLeft, IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link } from "wouter";
import { useAudit, useMembers } from "../api/people";
import type { AuditLine } from "../api/people.types";
import { useDevices } from "../api/queries";
import { useConnection, useHub, useSession } from "../app/hub";
import { OfflineStrip } from "../app/Shell";
import { useI18n } from "../i18n/i18n";
import {
  ALL,
  changesOf,
  type Filters,
  fromWords,
  type Known,
  queryOf,
  whatWords,
  whoWords,
  whyWords,
} from "../model/audit";
import { clock, fullDate, localParts, longDate, startOfDay } from "../model/time";
import { useAnnouncer } from "../ui/Announcer";
import { save } from "../ui/Download";
import { useTitle } from "../ui/hooks";
import { problemWords } from "../ui/problem";
import { Empty, Failed, SkeletonRows } from "../ui/States";
import { AuditFilters } from "./AuditFilters";
import "./audit.css";
import "./edit.css";

export default function Audit() {
  const { t } = useI18n();
  const { user } = useSession();
  useTitle(t("audit.title"));
  return (
    <>
      <header className="page-head audit-head">
        <span className="row audit-title">
          <Link href="/settings" className="icon-btn" aria-label={t("account.back")}>
            <IconChevronLeft className="icon" aria-hidden="true" />
          </Link>
          <h1>{t("audit.title")}</h1>
        </span>
      </header>
      <OfflineStrip />
      {user.role === "admin" ? <Log /> : <p className="note">{t("audit.notAllowed")}</p>}
    </>
  );
}

function Log() {
  const { t } = useI18n();
  const { home } = useSession();
  const [filters, setFilters] = useState<Filters>(ALL);
  const query = queryOf(filters, home.time_zone);
  const audit = useAudit(query);
  const members = useMembers(true).data ?? [];
  const devices = useDevices().data ?? [];
  const { announce } = useAnnouncer();
  const lines = audit.data?.pages.flatMap(({ items }) => items) ?? [];
  const change = (part: Partial<Filters>): void => setFilters((known) => ({ ...known, ...part }));
  const filtered = query !== "";

  const more = async (): Promise<void> => {
    const { data } = await audit.fetchNextPage();
    const count = data?.pages.at(-1)?.items.length ?? 0;
    announce(t("audit.moreShown", { count }));
  };

  return (
    <>
      <AuditFilters filters={filters} known={{ members, devices }} change={change}>
        <Export query={query} />
      </AuditFilters>
      {audit.data ? (
        lines.length > 0 ? (
          <>
            <Days lines={lines} known={{ members, devices }} />
            {audit.isFetchNextPageError && <Failed error={audit.error} onRetry={() => void more()} />}
            {audit.hasNextPage && (
              <Button className="btn soft audit-more" isPending={audit.isFetchingNextPage} onPress={() => void more()}>
                {t("audit.more")}
              </Button>
            )}
          </>
        ) : (
          <div className="sheet">
            <Empty
              title={t(filtered ? "audit.none" : "audit.empty")}
              text={t(filtered ? "audit.noneText" : "audit.emptyText")}
            >
              {filtered && (
                <Button className="btn small" onPress={() => setFilters(ALL)}>
                  {t("audit.showAll")}
                </Button>
              )}
            </Empty>
          </div>
        )
      ) : audit.error ? (
        <div className="sheet">
          <Failed error={audit.error} onRetry={() => void audit.refetch()} />
        </div>
      ) : (
        <SkeletonRows rows={6} />
      )}
      <p className="meta audit-kept">{t("audit.kept")}</p>
    </>
  );
}

function Export({ query }: { query: string }) {
  const { t } = useI18n();
  const { client } = useHub();
  const { announce, toast } = useAnnouncer();
  const [busy, setBusy] = useState(false);
  const away = useConnection().state === "away";
  const load = async (): Promise<void> => {
    setBusy(true);
    try {
      const { blob, name } = await client.file(`/audit/export${query && `?${query}`}`);
      save(blob, name);
      announce(t("download.done", { name }));
    } catch (error) {
      toast(problemWords(t, error, "download.failed"));
    }
    setBusy(false);
  };
  return (
    <Button className="btn outline small" isDisabled={away} isPending={busy} onPress={() => void load()}>
      <IconDownload className="icon s" aria-hidden="true" />
      {t("audit.export")}
    </Button>
  );
}

interface LinesProps {
  lines: AuditLine[];
  known: Known;
}

function Days({ lines, known }: LinesProps) {
  const { t, language } = useI18n();
  const { client } = useHub();
  const { home } = useSession();
  const zone = home.time_zone;
  const today = startOfDay(client.now(), zone);
  const yesterday = startOfDay(client.now(), zone, -1);
  const thisYear = localParts(today, zone).year;
  const dated = (day: number): string =>
    (localParts(day, zone).year === thisYear ? longDate : fullDate)(day, zone, language);
  const days = new Map<number, AuditLine[]>();
  for (const line of lines) {
    const day = startOfDay(line.at, zone);
    days.set(day, [...(days.get(day) ?? []), line]);
  }
  return [...days].map(([day, items]) => {
    const title = day === today ? t("audit.today") : day === yesterday ? t("audit.yesterday") : dated(day);
    return (
      <section key={day} aria-label={title}>
        <h2 className="audit-day">{title}</h2>
        <ul className="sheet flush list audit-list">
          {items.map((line) => (
            <Line key={line.id} line={line} known={known} />
          ))}
        </ul>
      </section>
    );
  });
}

function Line({ line, known }: { line: AuditLine; known: Known }) {
  const { t, language } = useI18n();
  const { home } = useSession();
  const changes = changesOf(t, language, line, known);
  const whole = changes.filter(({ before, after }) => before === null || after === null);
  return (
    <li className="audit-line">
      <time className="meta audit-when" dateTime={new Date(line.at).toISOString()}>
        {clock(line.at, home.time_zone, language)}
      </time>
      <span className="audit-who">{whoWords(t, line)}</span>
      <div className="audit-what">
        <span className="block">{whatWords(t, line, known)}</span>
        {line.refused !== null && (
          <span className="meta audit-refused">
            <IconBan className="icon xs" aria-hidden="true" />
            {t("audit.wasRefused", { why: whyWords(t, line.refused), count: line.count })}
          </span>
        )}
        {whole.length > 0 && (
          <span className="meta block audit-change">
            {whole
              .map(({ field, before, after }) => t("audit.is", { field, value: before ?? after ?? "" }))
              .join(" · ")}
          </span>
        )}
        {changes.map(
          ({ field, before, after }) =>
            before !== null &&
            after !== null && (
              <span className="meta block audit-change" key={field}>
                {t("audit.change", { field, before, after })}
              </span>
            ),
        )}
      </div>
      <span className="meta audit-from">{fromWords(t, line)}</span>
    </li>
  );
}
