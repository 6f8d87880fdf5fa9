// Says what happened: once, politely, to a screen reader, and as a message for eight seconds where eyes need it too.
import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from "react";
import { IconX } from "@tabler/icons-react";
import { Button } from "react-aria-components/Button";
import { useI18n } from "../i18n/i18n";
import "./toast.css";

interface Announcer {
  /** For a screen reader only. */
  announce: (text: string) => void;
  /** Visible too; `undo` takes back what the text says, as long as it stands there. */
  toast: (text: string, undo?: () => void) => void;
}

const AnnouncerContext = createContext<Announcer>({ announce: () => undefined, toast: () => undefined });
const SHOWN_MS = 8_000;

export function AnnouncerProvider({ children }: { children: ReactNode }) {
  const { t } = useI18n();
  const [said, setSaid] = useState("");
  const [shown, setShown] = useState<{ text: string; undo: (() => void) | undefined } | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const stay = useCallback(() => clearTimeout(timer.current), []);
  const leave = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setShown(null), SHOWN_MS);
  }, []);
  const value = useMemo<Announcer>(
    () => ({
      announce: (text) => setSaid((before) => (before === text ? text + "\u00a0" : text)),
      toast: (text, undo) => {
        setShown({ text, undo });
        leave();
      },
    }),
    [leave],
  );

  return (
    <AnnouncerContext value={value}>
      {children}
      <div className="hidden-visually announcer" aria-live="polite">
        {said}
      </div>
      <div className="toasts" role="status" aria-label={t("toast.label")}>
        {shown !== null && (
          <div className="toast" onMouseEnter={stay} onMouseLeave={leave} onFocus={stay} onBlur={leave}>
            <span>{shown.text}</span>
            {shown.undo && (
              <Button
                className="toast-undo"
                onPress={() => {
                  setShown(null);
                  shown.undo?.();
                }}
              >
                {t("undo")}
              </Button>
            )}
            <Button className="icon-btn" aria-label={t("close")} onPress={() => setShown(null)}>
              <IconX className="icon s" aria-hidden="true" />
            </Button>
          </div>
        )}
      </div>
    </AnnouncerContext>
  );
}

export const useAnnouncer = (): Announcer => useContext(AnnouncerContext);
