// Says what happened: once, politely, to a screen reader, and as a message for eight seconds where eyes need it too.
import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from "react";
import { IconX } from "@tabler/icons-react";
import { Button } from "react-aria-components/Button";
import { useI18n } from "../i18n/i18n";
import "./toast.css";

interface Announcer {
  /** For a screen reader only. */
  announce: (text: string) => void;
  /** Visible too. */
  toast: (text: string) => void;
}

const AnnouncerContext = createContext<Announcer>({ announce: () => undefined, toast: () => undefined });
const SHOWN_MS = 8_000;

export function AnnouncerProvider({ children }: { children: ReactNode }) {
  const { t } = useI18n();
  const [said, setSaid] = useState("");
  const [shown, setShown] = useState<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const stay = useCallback(() => clearTimeout(timer.current), []);
  const leave = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setShown(null), SHOWN_MS);
  }, []);
  const value = useMemo<Announcer>(
    () => ({
      announce: (text) => setSaid((before) => (before === text ? text + "\u00a0" : text)),
      toast: (text) => {
        setShown(text);
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
            <span>{shown}</span>
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
