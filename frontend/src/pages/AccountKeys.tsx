// API keys: programs of one's own get in with them. A new one is shown once.
import { useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useEffect, useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useMyKeys } from "../api/people";
import type { AddedKey, Scope } from "../api/people.types";
import { LONGEST_NAME } from "../api/types";
import { useConnection, useHub, useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { scopesOf, scopesUpTo } from "../model/people";
import { HOUR } from "../model/time";
import { Choice, Submit, TextField } from "../ui/Field";
import { SecretText } from "../ui/Secret";
import { Failed, Skeleton } from "../ui/States";
import { YourPassword } from "../ui/YourPassword";
import { KeyRow } from "./PeopleSignedIn";
import { isTooLong, useFormError } from "./plug-form";

const DAYS = { "30": 30, "90": 90, "365": 365, never: null } as const;
type Expiry = keyof typeof DAYS;
const EXPIRIES: Expiry[] = ["30", "90", "365", "never"];

export function AccountKeys() {
  const { t } = useI18n();
  const keys = useMyKeys();
  const { user } = useSession();
  const away = useConnection().state === "away";
  const [makes, setMakes] = useState(false);
  const [added, setAdded] = useState<AddedKey | null>(null);
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (added) title.current?.focus();
  }, [added]);

  return (
    <section className="sheet" aria-labelledby="keys">
      <h2 id="keys" ref={title} tabIndex={-1}>
        {added ? t("account.keys.doneTitle", { name: added.key.name }) : t("account.keys.title")}
      </h2>
      {added ? (
        <div className="col account-form">
          <p className="meta">{t("account.keys.doneText")}</p>
          <SecretText label={t("account.keys.text")} value={added.text} />
          <p className="meta mono">{`Authorization: Bearer ${added.key.hint}…`}</p>
          <div className="row">
            <Button className="btn" onPress={() => setAdded(null)}>
              {t("account.keys.done")}
            </Button>
          </div>
        </div>
      ) : (
        <>
          <p className="meta">{t("account.keys.what")}</p>
          {keys.data ? (
            keys.data.length > 0 && (
              <ul className="list person-keys">
                {keys.data.map((key) => (
                  <KeyRow
                    key={key.id}
                    apiKey={key}
                    role={user.role}
                    path={`/account/keys/${key.id}`}
                    queryKey={["keys"]}
                  />
                ))}
              </ul>
            )
          ) : keys.error ? (
            <Failed error={keys.error} onRetry={() => void keys.refetch()} />
          ) : (
            <Skeleton height={60} style={{ marginTop: 12 }} />
          )}
          {makes ? (
            <NewKey
              onBack={() => setMakes(false)}
              onAdded={(key) => {
                setMakes(false);
                setAdded(key);
              }}
            />
          ) : (
            <Button className="btn outline account-act" isDisabled={away} onPress={() => setMakes(true)}>
              {t("account.keys.make")}
            </Button>
          )}
        </>
      )}
    </section>
  );
}

function NewKey({ onBack, onAdded }: { onBack: () => void; onAdded: (added: AddedKey) => void }) {
  const { t } = useI18n();
  const { client } = useHub();
  const { user } = useSession();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [most, setMost] = useState<Scope>("read");
  const [expiry, setExpiry] = useState<Expiry>("365");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const error = useFormError(["name", "scopes", "expires", "password"]);

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (busy || isTooLong(name)) return;
    error.clear();
    if (!name.trim()) {
      error.set("name", t("edit.nameMissing"));
      return;
    }
    if (!password) {
      error.set("password", t("account.passwordMissing"));
      return;
    }
    setBusy(true);
    const days = DAYS[expiry];
    const expires = days === null ? null : Math.round(client.now() + days * 24 * HOUR);
    try {
      const asked = { name: name.trim(), scopes: scopesUpTo(most), expires, password };
      const added = await client.request<AddedKey>("POST", "/account/keys", asked);
      void queries.invalidateQueries({ queryKey: ["keys"] });
      onAdded(added);
    } catch (problem) {
      error.refused(problem);
      setBusy(false);
    }
  };

  return (
    <form className="col account-form" noValidate onSubmit={(event) => void submit(event)}>
      <TextField
        label={t("edit.name")}
        name="key-name"
        hint={t("account.keys.nameHint")}
        limit={LONGEST_NAME}
        value={name}
        error={error.at("name")}
        onChange={setName}
      />
      <Choice
        label={t("account.keys.scope")}
        value={most}
        hint={t(`account.keys.does.${most}`, { role: user.role })}
        error={error.at("scopes")}
        options={scopesOf(user.role).map((value) => ({ value, label: t(`account.keys.scope.${value}`) }))}
        onChange={(value) => setMost(value as Scope)}
      />
      <Choice
        label={t("account.keys.expiry")}
        value={expiry}
        error={error.at("expires")}
        options={EXPIRIES.map((value) => ({ value, label: t(`account.keys.expiry.${value}`) }))}
        onChange={(value) => setExpiry(value as Expiry)}
      />
      <YourPassword
        hint={t("account.keys.passwordHint")}
        value={password}
        error={error.at("password")}
        onChange={setPassword}
      />
      {error.below}
      <div className="row">
        <Submit busy={busy}>{t("account.keys.make")}</Submit>
        <Button className="btn soft" onPress={onBack}>
          {t("edit.cancel")}
        </Button>
      </div>
    </form>
  );
}
