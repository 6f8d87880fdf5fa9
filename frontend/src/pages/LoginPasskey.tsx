// Signing in with a passkey: by a button, and where the browser can, from the list under the e-mail field.
import { IconFingerprint } from "@tabler/icons-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { Button } from "react-aria-components/Button";
import { ApiError } from "../api/client";
import { askForPasskey, browserCan, browserFills, canBelong, signIn } from "../api/passkeys";
import { useHub } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { refusalWords } from "./passkey-words";

/** The hub's question holds for five minutes: a page that stays open asks for another one before. */
const ASK_EVERY_MS = 240_000;

/** `shown`: the hub and the browser can do it here. `sign`: opens the browser's own dialog. */
export function useLoginPasskey(say: (error: string | null) => void) {
  const { client } = useHub();
  const { t } = useI18n();
  const [shown, setShown] = useState(false);
  const [busy, setBusy] = useState(false);
  // What the browser waits for: it takes one request at a time, so each ends the one before.
  const waits = useRef<AbortController | null>(null);
  const pressed = useRef(false);
  const told = useRef({ say, t });
  useEffect(() => {
    told.current = { say, t };
  });

  const begin = useCallback(
    async (filling: boolean): Promise<void> => {
      waits.current?.abort();
      const { signal } = (waits.current = new AbortController());
      let offered = false;
      try {
        const options = await askForPasskey(client, signal);
        setShown(true);
        offered = true;
        if (filling && !(await browserFills())) return;
        client.setSession(await signIn(client, options, signal, filling));
      } catch (problem) {
        if (signal.aborted) return;
        // Where nobody asked for a passkey, only what the hub says to one that was shown is worth a word.
        const silent = filling && !(offered && problem instanceof ApiError);
        if (!silent) told.current.say(refusalWords(told.current.t, problem));
        throw problem;
      }
    },
    [client],
  );

  useEffect(() => {
    let left = false;
    let timer: ReturnType<typeof setInterval> | undefined;
    void browserCan().then((can) => {
      if (left || can !== "can" || !canBelong(window.location)) return;
      const fill = (): void => {
        if (!pressed.current) void begin(true).catch(() => undefined);
      };
      fill();
      timer = setInterval(fill, ASK_EVERY_MS);
    });
    return () => {
      left = true;
      clearInterval(timer);
      waits.current?.abort();
    };
  }, [begin]);

  const sign = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    say(null);
    pressed.current = true;
    try {
      await begin(false);
    } catch {
      void begin(true).catch(() => undefined); // said already; the list under the field is there again
    }
    pressed.current = false;
    setBusy(false);
  };
  return { shown, busy, sign };
}

interface ButtonProps {
  busy: boolean;
  onPress: () => void;
}

export function PasskeyButton({ busy, onPress }: ButtonProps) {
  const { t } = useI18n();
  return (
    <Button className="btn outline wide" isPending={busy} onPress={onPress}>
      <IconFingerprint className="icon s" aria-hidden="true" />
      {t("login.passkey")}
    </Button>
  );
}
