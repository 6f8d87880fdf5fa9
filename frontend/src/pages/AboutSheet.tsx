// On the settings page: what this software is, whether a newer one is out, and which plugs run older firmware.
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link } from "wouter";
import { useDevices } from "../api/queries";
import type { SystemInfo } from "../api/system.types";
import { UPDATES, useUpdates } from "../api/updates";
import type { UpdateRequest, UpdateState } from "../api/updates.types";
import { useHub, useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { dayAndClock } from "../model/time";
import { useAnnouncer } from "../ui/Announcer";
import { Switch } from "../ui/Switch";

export function AboutSheet({ info }: { info: SystemInfo }) {
  const { t } = useI18n();
  const { user } = useSession();
  return (
    <section className="sheet" aria-labelledby="about">
      <h2 id="about">{t("settings.about")}</h2>
      <dl className="facts">
        <div>
          <dt>{t("settings.hub")}</dt>
          <dd>{info.name}</dd>
        </div>
        <div>
          <dt>{t("settings.version")}</dt>
          <dd>{info.version}</dd>
        </div>
      </dl>
      {user.operator && <NewVersions />}
      <OlderFirmware />
      {info.demo && <p className="meta">{t("settings.demo")}</p>}
      <p className="meta">{t("settings.licence")}</p>
    </section>
  );
}

function NewVersions() {
  const { language } = useI18n();
  const updates = useUpdates(language);
  return updates.data ? <Updates {...updates.data} /> : null;
}

function Updates({ check, declared, source, asked, detail, newest }: UpdateState) {
  const { t, language } = useI18n();
  const { client } = useHub();
  const { home } = useSession();
  const { announce } = useAnnouncer();
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);

  const change = async (method: "PATCH" | "POST", path: string, body?: UpdateRequest): Promise<void> => {
    setBusy(true);
    setRefusal(null);
    try {
      await client.request(method, path, body);
    } catch (error) {
      const why = error instanceof Error && error.message ? error.message : t("error.title");
      setRefusal(why);
      announce(why);
    }
    await queries.invalidateQueries({ queryKey: UPDATES });
    setBusy(false);
  };

  const trouble = refusal ?? detail;
  return (
    <div className="col updates">
      {newest && (
        <div className={newest.security ? "note danger-soft" : "note use-soft"}>
          <span className="grow">
            <span className="block">{newest.detail}</span>
            <a className="about-link" href={newest.notes} target="_blank" rel="noreferrer">
              {t("updates.notes")}
            </a>
          </span>
        </div>
      )}
      {!newest && asked !== null && !trouble && (
        <p className="meta">
          {t("updates.none", { time: dayAndClock(asked, client.now(), home.time_zone, language) })}
        </p>
      )}
      {trouble && <p className="note warn-soft">{trouble}</p>}
      {source === null ? (
        <p className="meta">{t("updates.nobody")}</p>
      ) : (
        <>
          {declared ? (
            <p className="meta">{t(check ? "updates.declaredOn" : "updates.declaredOff", { host: source })}</p>
          ) : (
            <Switch
              label={t("updates.look")}
              hint={t("updates.lookText", { host: source })}
              isSelected={check}
              isDisabled={busy}
              onChange={(wanted) => void change("PATCH", "/system/updates", { check: wanted })}
            />
          )}
          <div className="row">
            <Button
              className="btn outline"
              isDisabled={busy}
              onPress={() => void change("POST", "/system/updates/check")}
            >
              {t("updates.now")}
            </Button>
          </div>
        </>
      )}
    </div>
  );
}

/** Plugs whose firmware the hub could replace by a newer one, for those who may do so. */
function OlderFirmware() {
  const { t } = useI18n();
  const older = (useDevices().data ?? []).filter((device) => device.newer_firmware && device.right === "manage");
  const version = older[0]?.newer_firmware;
  if (!version) return null;
  return (
    <div className="note warn-soft about-plugs">
      <div className="grow">
        <p>{t("updates.firmware", { count: older.length, version })}</p>
        <ul className="row wrap">
          {older.map(({ id, key, name }) => (
            <li key={id}>
              <Link className="about-link" href={`/plugs/${key}/edit`}>
                {name}
              </Link>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
