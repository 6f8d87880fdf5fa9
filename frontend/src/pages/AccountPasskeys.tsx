// One's passkeys: which there are, a new one, another name, and their end. Where none can be made, why.
import { IconFingerprint, IconPencil, IconX } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, type SyntheticEvent, useEffect, useState } from "react";
import { Button } from "react-aria-components/Button";
import { Link } from "wouter";
import { type Browser, browserCan, makePasskey, type Passkey, type Passkeys } from "../api/passkeys";
import { LONGEST_NAME } from "../api/types";
import { useConnection, useHub, useSession } from "../app/hub";
import { type Translate, useI18n } from "../i18n/i18n";
import { agentWords } from "../model/people";
import { dayAndClock, fullDate } from "../model/time";
import { useAnnouncer } from "../ui/Announcer";
import { Ask } from "../ui/Ask";
import { Submit, TextField } from "../ui/Field";
import { Failed, Skeleton } from "../ui/States";
import { YourPassword } from "../ui/YourPassword";
import { refusalWords } from "./passkey-words";
import { isTooLong, useFormError } from "./plug-form";

const PASSKEYS = ["passkeys"];

export function AccountPasskeys() {
  const { t } = useI18n();
  const { client } = useHub();
  const away = useConnection().state === "away";
  const [makes, setMakes] = useState(false);
  const passkeys = useQuery({
    queryKey: PASSKEYS,
    queryFn: ({ signal }) => client.get<Passkeys>("/account/passkeys", signal),
  });
  const { data } = passkeys;
  const browser = useBrowser();
  const why = whyNot(t, browser, data);

  return (
    <section className="sheet" aria-labelledby="passkeys">
      <h2 id="passkeys">{t("passkey.title")}</h2>
      <p className="meta">{t("passkey.text")}</p>
      {data ? (
        data.items.length > 0 && (
          <ul className="list person-keys">
            {data.items.map((passkey) => (
              <Row key={passkey.id} passkey={passkey} here={data.rp_id} />
            ))}
          </ul>
        )
      ) : passkeys.error ? (
        <Failed error={passkeys.error} onRetry={() => void passkeys.refetch()} />
      ) : (
        <Skeleton height={60} style={{ marginTop: 12 }} />
      )}
      {makes ? (
        <NewPasskey onDone={() => setMakes(false)} />
      ) : why ? (
        <p className="meta account-act passkey-why">{why}</p>
      ) : (
        data &&
        browser === "can" && (
          <Button className="btn outline account-act" isDisabled={away} onPress={() => setMakes(true)}>
            <IconFingerprint className="icon s" aria-hidden="true" />
            {t("passkey.make")}
          </Button>
        )
      )}
    </section>
  );
}

function useBrowser(): Browser | null {
  const [browser, setBrowser] = useState<Browser | null>(null);
  useEffect(() => void browserCan().then(setBrowser), []);
  return browser;
}

/** Why no passkey can be made on this page; null: one can, or it is not known yet. */
function whyNot(t: Translate, browser: Browser | null, passkeys: Passkeys | undefined): ReactNode {
  const secured = (text: string): ReactNode => (
    <>
      {text} <Link href="/secure">{t("passkey.secure")}</Link>
    </>
  );
  if (browser === "insecure") return secured(t("passkey.needsHttps"));
  if (passkeys?.why) return passkeys.why;
  if (browser === "untrusted") return secured(t("passkey.warned"));
  return browser === "old" ? t("passkey.noBrowser") : null;
}

function NewPasskey({ onDone }: { onDone: () => void }) {
  const { t } = useI18n();
  const { client } = useHub();
  const { user } = useSession();
  const { toast } = useAnnouncer();
  const queries = useQueryClient();
  const [name, setName] = useState(() => agentWords(t, navigator.userAgent));
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const error = useFormError(["name", "password"]);

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
    try {
      const made = await makePasskey(client, name.trim(), password);
      await queries.invalidateQueries({ queryKey: PASSKEYS });
      toast(t("passkey.made", { name: made.name }));
      onDone();
    } catch (problem) {
      if (problem instanceof DOMException) error.set("", refusalWords(t, problem));
      else error.refused(problem);
      setBusy(false);
    }
  };

  return (
    <form className="col account-form" noValidate onSubmit={(event) => void submit(event)}>
      {/* Password managers know by it whose password they fill in. */}
      <input type="hidden" name="username" autoComplete="username" value={user.email} readOnly />
      <TextField
        label={t("edit.name")}
        name="passkey-name"
        hint={t("passkey.nameHint")}
        limit={LONGEST_NAME}
        value={name}
        error={error.at("name")}
        onChange={setName}
      />
      <YourPassword
        hint={t("passkey.passwordHint")}
        value={password}
        error={error.at("password")}
        onChange={setPassword}
      />
      {error.below}
      <div className="row">
        <Submit busy={busy}>{t("passkey.make")}</Submit>
        <Button className="btn soft" onPress={onDone}>
          {t("edit.cancel")}
        </Button>
      </div>
    </form>
  );
}

function Row({ passkey, here }: { passkey: Passkey; here: string | null }) {
  const { t, language } = useI18n();
  const { client } = useHub();
  const { home } = useSession();
  const { toast } = useAnnouncer();
  const queries = useQueryClient();
  const away = useConnection().state === "away";
  const [renames, setRenames] = useState(false);
  const [asks, setAsks] = useState(false);
  const { id, name, rp_id, created, used } = passkey;
  const date = fullDate(created, home.time_zone, language);

  if (renames)
    return (
      <li>
        <Rename passkey={passkey} onDone={() => setRenames(false)} />
      </li>
    );
  return (
    <li>
      <div className="list-row people-signed">
        <IconFingerprint className="icon" aria-hidden="true" />
        <span className="grow">
          <span className="h3 block">{name}</span>
          <span className="meta block">
            {t(rp_id === here ? "passkey.row" : "passkey.rowElsewhere", { host: rp_id, date })}
          </span>
          <span className="meta block">
            {used === null
              ? t("people.keyUnused")
              : t("passkey.used", { when: dayAndClock(used, client.now(), home.time_zone, language) })}
          </span>
        </span>
        <Button
          className="icon-btn"
          aria-label={t("passkey.rename", { name })}
          isDisabled={away}
          onPress={() => setRenames(true)}
        >
          <IconPencil className="icon s" aria-hidden="true" />
        </Button>
        <Button
          className="icon-btn"
          aria-label={t("passkey.remove", { name })}
          isDisabled={away}
          onPress={() => setAsks(true)}
        >
          <IconX className="icon s" aria-hidden="true" />
        </Button>
      </div>
      <Ask
        open={asks}
        bad
        password
        title={t("passkey.removeTitle", { name })}
        text={t("passkey.removeText")}
        act={t("passkey.remove", { name })}
        onClose={() => setAsks(false)}
        onAct={async (password) => {
          await client.request("POST", `/account/passkeys/${id}/remove`, { password });
          await queries.invalidateQueries({ queryKey: PASSKEYS });
          toast(t("passkey.removed", { name }));
        }}
      />
    </li>
  );
}

function Rename({ passkey, onDone }: { passkey: Passkey; onDone: () => void }) {
  const { t } = useI18n();
  const { client } = useHub();
  const queries = useQueryClient();
  const [name, setName] = useState(passkey.name);
  const [busy, setBusy] = useState(false);
  const error = useFormError(["name"]);

  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (busy || isTooLong(name)) return;
    error.clear();
    if (!name.trim()) {
      error.set("name", t("edit.nameMissing"));
      return;
    }
    setBusy(true);
    try {
      await client.request("PATCH", `/account/passkeys/${passkey.id}`, { name: name.trim() });
      await queries.invalidateQueries({ queryKey: PASSKEYS });
      onDone();
    } catch (problem) {
      error.refused(problem);
      setBusy(false);
    }
  };

  return (
    <form className="col passkey-rename" noValidate onSubmit={(event) => void submit(event)}>
      <TextField
        label={t("edit.name")}
        name="passkey-name"
        limit={LONGEST_NAME}
        value={name}
        error={error.at("name")}
        onChange={setName}
      />
      {error.below}
      <div className="row">
        <Submit busy={busy}>{t(busy ? "edit.saving" : "edit.save")}</Submit>
        <Button className="btn soft" onPress={onDone}>
          {t("edit.cancel")}
        </Button>
      </div>
    </form>
  );
}
