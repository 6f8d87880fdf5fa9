// The home: its name, time zone, currency, price and first day of the week, and the way to another home.
import { IconLock } from "@tabler/icons-react";
import { type SyntheticEvent, useState } from "react";
import { useHomes } from "../api/people";
import type { Session } from "../api/auth.types";
import type { Home } from "../api/people.types";
import { LONGEST_NAME } from "../api/types";
import { useConnection, useHub, useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { decimal, localeOf } from "../model/format";
import { currencies, weekDays, zones } from "../model/places";
import { useAnnouncer } from "../ui/Announcer";
import { Choice, Submit, TextField } from "../ui/Field";
import { problemWords } from "../ui/problem";
import { readPrice } from "./EnergyPrice";
import { isTooLong, useFormError } from "./plug-form";
import "./people.css";

type Field = "name" | "time_zone" | "currency" | "price" | "week_start";
export type Draft = Record<Field, string>;

const draftOf = (home: Home, language: "en" | "de"): Draft => ({
  name: home.name,
  time_zone: home.time_zone,
  currency: home.currency,
  price: home.price === null ? "" : decimal(home.price, 4, language, 0),
  week_start: String(home.week_start),
});

/** What differs from the home; `undefined`: the price is none. */
export function changesOf(draft: Draft, before: Draft): Partial<Record<Field, string | number>> | undefined {
  const changes: Partial<Record<Field, string | number>> = {};
  for (const field of ["name", "time_zone", "currency"] as const)
    if (draft[field].trim() !== before[field]) changes[field] = draft[field].trim();
  if (draft.week_start !== before.week_start) changes.week_start = Number(draft.week_start);
  if (draft.price.trim() !== before.price) {
    const price = readPrice(draft.price);
    if (price === null) return undefined;
    changes.price = price;
  }
  return changes;
}

export function HomeSettings() {
  const { t } = useI18n();
  const { user, home } = useSession();
  return (
    <section className="sheet" aria-labelledby="home">
      <h2 id="home">{t("settings.home")}</h2>
      <Homes />
      {user.role === "admin" ? <HomeForm home={home} key={home.id} /> : <HomeFacts home={home} />}
    </section>
  );
}

/** Only where somebody is in several. */
function Homes() {
  const { t } = useI18n();
  const { client } = useHub();
  const { home } = useSession();
  const { announce, toast } = useAnnouncer();
  const homes = useHomes().data ?? [];
  const [asked, setAsked] = useState<string | null>(null);
  if (homes.length < 2) return null;
  const move = async (id: string): Promise<void> => {
    setAsked(id);
    try {
      const session = await client.request<Session>("POST", "/account/home", { home: id });
      client.setSession(session);
      announce(t("homes.moved", { name: session.home.name }));
    } catch (error) {
      toast(problemWords(t, error));
    }
    setAsked(null);
  };
  return (
    <div className="home-choice">
      <Choice
        label={t("homes.shown")}
        value={asked ?? home.id}
        hint={t("homes.shownHint")}
        options={homes.map(({ home: { id, name }, role }) => ({
          value: id,
          label: t("homes.option", { name, role: t(`settings.role.${role}`) }),
        }))}
        onChange={(id) => void move(id)}
      />
    </div>
  );
}

function HomeFacts({ home }: { home: Home }) {
  const { t, language } = useI18n();
  const currency = new Intl.DisplayNames(localeOf(language), { type: "currency" }).of(home.currency);
  const facts = [
    [t("edit.name"), home.name],
    [t("settings.zone"), home.time_zone.replaceAll("_", " ")],
    [t("settings.currency"), currency],
  ];
  return (
    <dl className="facts">
      {facts.map(([title, value]) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function HomeForm({ home }: { home: Home }) {
  const { t, language } = useI18n();
  const hub = useHub();
  const { toast } = useAnnouncer();
  const days = weekDays(language);
  const before = draftOf(home, language);
  const [edited, setEdited] = useState<Partial<Draft>>({});
  const [busy, setBusy] = useState(false);
  const error = useFormError(["name", "time_zone", "currency", "price", "week_start"]);
  const away = useConnection().state === "away";
  const draft: Draft = { ...before, ...edited };
  const set = (field: Field) => (value: string) => setEdited((known) => ({ ...known, [field]: value }));
  const changes = changesOf(draft, before);
  const changed = changes === undefined || Object.keys(changes).length > 0;

  const save = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (busy || isTooLong(draft.name)) return;
    error.clear();
    if (!draft.name.trim()) {
      error.set("name", t("setup.invalid.home"));
      return;
    }
    if (changes === undefined) {
      error.set("price", t("energy.priceWrong"));
      return;
    }
    setBusy(true);
    try {
      hub.client.know({ home: await hub.client.request<Home>("PATCH", "/homes/current", changes) });
      setEdited({});
      // Days, weeks and money are another in every figure.
      void hub.queries.invalidateQueries();
      toast(t("homes.saved"));
    } catch (problem) {
      error.refused(problem);
    }
    setBusy(false);
  };

  const declared = (field: Field): boolean => home.declared.includes(field);
  const text = (field: Field, value: string): string =>
    field === "time_zone" ? value.replaceAll("_", " ") : field === "week_start" ? dayName(value) : value;
  const dayName = (value: string): string => days.find((day) => day.value === value)?.label ?? value;
  const LABELS: Record<Field, string> = {
    name: t("edit.name"),
    time_zone: t("settings.zone"),
    currency: t("settings.currency"),
    price: t("homes.price"),
    week_start: t("homes.week"),
  };
  const locked = (field: Field) => (
    <Locked key={field} label={LABELS[field]} value={text(field, draft[field]) || "–"} />
  );

  return (
    <form className="col account-form" noValidate onSubmit={(event) => void save(event)}>
      {declared("name") ? (
        locked("name")
      ) : (
        <TextField
          label={LABELS.name}
          name="home-name"
          limit={LONGEST_NAME}
          value={draft.name}
          error={error.at("name")}
          onChange={set("name")}
        />
      )}
      {declared("time_zone") ? (
        locked("time_zone")
      ) : (
        <Choice
          label={LABELS.time_zone}
          value={draft.time_zone}
          error={error.at("time_zone")}
          options={zones(home.time_zone, language)}
          onChange={set("time_zone")}
        />
      )}
      {declared("currency") ? (
        locked("currency")
      ) : (
        <Choice
          label={LABELS.currency}
          value={draft.currency}
          error={error.at("currency")}
          options={currencies(language, home.currency)}
          onChange={set("currency")}
        />
      )}
      {declared("price") ? (
        locked("price")
      ) : (
        <TextField
          label={LABELS.price}
          name="price"
          inputMode="decimal"
          unit={t("energy.priceUnit", { currency: draft.currency })}
          hint={t("homes.priceHint")}
          value={draft.price}
          error={error.at("price")}
          onChange={set("price")}
        />
      )}
      {declared("week_start") ? (
        locked("week_start")
      ) : (
        <Choice
          label={LABELS.week_start}
          value={draft.week_start}
          error={error.at("week_start")}
          options={days}
          onChange={set("week_start")}
        />
      )}
      {home.declared.length > 0 && <p className="meta">{t("homes.declared")}</p>}
      {error.below}
      {changed && (
        <div className="row">
          <Submit busy={busy || away}>{t(busy ? "edit.saving" : "edit.save")}</Submit>
        </div>
      )}
    </form>
  );
}

/** What configuration.yaml sets is read, not changed. */
function Locked({ label, value }: { label: string; value: string }) {
  return (
    <div className="home-locked">
      <span className="secret-label">{label}</span>
      <span className="row">
        <IconLock className="icon xs" aria-hidden="true" />
        {value}
      </span>
    </div>
  );
}
