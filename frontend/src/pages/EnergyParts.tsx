// The table of rooms with their plugs, or of plugs: it is the chart's legend, and its parts add up to the whole.
import { IconChevronDown } from "@tabler/icons-react";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link } from "wouter";
import type { EnergyReport } from "../api/reports.types";
import { useI18n } from "../i18n/i18n";
import { DASH, decimal, NBSP } from "../model/format";
import { type By, energyDigits, money, type Part, priceText } from "../model/report";

interface EnergyPartsProps {
  report: EnergyReport;
  parts: Part[];
  by: By;
  /** Given where the price may be changed. */
  onPrice: (() => void) | null;
}

export function EnergyParts({ report, parts, by, onPrice }: EnergyPartsProps) {
  const { t, language } = useI18n();
  const { total } = report;
  const digits = energyDigits(total.kwh ?? 0);
  const [open, setOpen] = useState<string[]>([]);
  const flip = (id: string): void =>
    setOpen((before) => (before.includes(id) ? before.filter((each) => each !== id) : [...before, id]));
  const cells = (part: Pick<Part, "kwh" | "share" | "cost">) => (
    <>
      <td className="right">
        {part.kwh === null ? DASH : decimal(part.kwh, digits, language)}
        <span className="energy-unit">{`${NBSP}kWh`}</span>
      </td>
      <td className="right energy-share">{part.share === null ? DASH : `${decimal(part.share, 0, language)} %`}</td>
      {total.price !== null && (
        <td className="right strong">{part.cost === null ? DASH : money(part.cost, total.currency, language)}</td>
      )}
    </>
  );
  const change = ({ change: percent }: Part): string | null => {
    if (percent === null) return null;
    const value = decimal(Math.abs(percent), 0, language);
    if (Math.abs(percent) < 0.5) return t("energy.changeNone");
    return t(percent < 0 ? "energy.changeLess" : "energy.changeMore", { percent: value });
  };
  const plug = (part: Part, inside: boolean) => (
    <tr key={part.id} className={inside ? "inside" : ""}>
      <th scope="row">
        <span className="energy-name">
          {!inside && <Swatch color={part.color} />}
          <span className="grow">
            <Link href={`/plugs/${part.key}`} className="block">
              {part.name}
            </Link>
            {change(part) && <span className="meta quiet block">{change(part)}</span>}
          </span>
        </span>
      </th>
      {cells(part)}
    </tr>
  );
  return (
    <>
      <h2 id="energy-parts" className="energy-parts-title">
        {t(by === "rooms" ? "energy.byRoom" : "energy.byPlug")}
      </h2>
      <table className="energy-table">
        <thead className="hidden-visually">
          <tr>
            <th scope="col">{t("energy.colName")}</th>
            <th scope="col">{t("energy.colEnergy")}</th>
            <th scope="col">{t("energy.colShare")}</th>
            {total.price !== null && <th scope="col">{t("energy.colCost")}</th>}
          </tr>
        </thead>
        <tbody>
          {by === "plugs"
            ? parts.map((part) => plug(part, false))
            : parts.flatMap((room) => [
                <tr key={room.id}>
                  <th scope="row">
                    <Button
                      className="energy-name"
                      aria-expanded={open.includes(room.id)}
                      onPress={() => flip(room.id)}
                    >
                      <Swatch color={room.color} />
                      <span className="grow">{room.name ?? t("plugs.noRoom")}</span>
                      <IconChevronDown className="icon xs quiet" aria-hidden="true" />
                    </Button>
                  </th>
                  {cells(room)}
                </tr>,
                ...(open.includes(room.id) ? room.plugs.map((part) => plug(part, true)) : []),
              ])}
          <tr className="whole">
            <th scope="row">{t("energy.all")}</th>
            {cells({ kwh: total.kwh, share: total.kwh ? 100 : null, cost: total.cost })}
          </tr>
        </tbody>
      </table>
      {total.price !== null && (
        <p className="row apart meta energy-price">
          <span>{t("energy.at", { price: priceText(total.price, total.currency, language) })}</span>
          {onPrice && (
            <Button className="energy-link meta" onPress={onPrice}>
              {t("energy.changePrice")}
            </Button>
          )}
        </p>
      )}
    </>
  );
}

const Swatch = ({ color }: { color: number }) => (
  <span className="dot" style={{ background: `var(--d${color})` }} aria-hidden="true" />
);
