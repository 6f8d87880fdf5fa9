// What was not measured in the period shown: why, from when to when, and how much energy went through meanwhile.
import { IconHistory } from "@tabler/icons-react";
import type { Gap } from "../api/telemetry.types";
import { useI18n } from "../i18n/i18n";
import { causeId, gapEnergy, gapTimes } from "./readout";

const SHOWN = 5;

export function GapList({ gaps, now, zone }: { gaps: Gap[]; now: number; zone: string }) {
  const { t, language } = useI18n();
  const longest = [...gaps].sort((a, b) => (b.end ?? now) - b.start - ((a.end ?? now) - a.start)).slice(0, SHOWN);
  const reader = { t, language, zone, now };
  return (
    <section className="sheet" aria-labelledby="gaps">
      <h2 id="gaps">{t("plug.gapsTitle")}</h2>
      <ul className="col gap-list">
        {longest
          .sort((a, b) => b.start - a.start)
          .map((gap) => (
            <li key={gap.id} className="row top">
              <IconHistory className="icon s quiet" aria-hidden="true" />
              <span>
                <span className="h3 block">{t(causeId(gap.cause))}</span>
                <span className="meta block">{gapTimes(gap, reader)}</span>
                <span className="meta block">{gapEnergy(gap, reader)}</span>
              </span>
            </li>
          ))}
      </ul>
    </section>
  );
}
