// Reports of energy and cost: what is asked for, and their files.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useHub } from "../app/hub";
import { MINUTE } from "../model/time";
import type { EnergyReport, ReportPeriod } from "./reports.types";
import type { Language } from "./types";

export type ReportKind = ReportPeriod["kind"];

export const KINDS: ReportKind[] = ["day", "week", "month", "year"];

/** `of`: 2026, 2026-10 or 2026-10-21; null = the one that runs. */
export interface ReportAsk {
  kind: ReportKind;
  of: string | null;
}

export function reportPath({ kind, of }: ReportAsk, ending = ""): string {
  const query = new URLSearchParams({ period: kind, ...(of !== null && { of }) });
  return `/reports/energy${ending}?${query}`;
}

export function useReport(ask: ReportAsk, language: Language) {
  const { client } = useHub();
  return useQuery<EnergyReport>({
    // Labels are in the language of the reader.
    queryKey: ["report", ask.kind, ask.of, language],
    placeholderData: keepPreviousData,
    // What is over changes only when a plug sends what it kept.
    refetchInterval: ({ state: { data } }) => (data === undefined || data.period.running ? 5 * MINUTE : false),
    queryFn: ({ signal }) => client.get<EnergyReport>(reportPath(ask), signal),
  });
}
