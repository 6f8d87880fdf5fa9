// The states that every list and chart shares: loading, empty, error.
import type { CSSProperties, ReactNode } from "react";
import { Button } from "react-aria-components/Button";
import { ApiError, NetworkError } from "../api/client";
import { useConnection, useHub, useSession } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { clock } from "../model/time";

/** The shape of what comes; it appears only after 150 ms. */
export function Skeleton({
  width = "100%",
  height,
  style,
}: {
  width?: number | string;
  height: number;
  style?: CSSProperties;
}) {
  return <span className="skeleton" style={{ width, height, ...style }} aria-hidden="true" />;
}

export function SkeletonRows({ rows }: { rows: number }) {
  const { t } = useI18n();
  return (
    <div className="sheet flush" role="status" aria-label={t("loading")}>
      {Array.from({ length: rows }, (_, index) => (
        <div className="list-row" key={index}>
          <Skeleton width={22} height={22} />
          <span className="grow col" style={{ gap: 6 }}>
            <Skeleton width="45%" height={14} />
            <Skeleton width="25%" height={11} />
          </span>
          <Skeleton width={56} height={34} style={{ borderRadius: 17 }} />
        </div>
      ))}
    </div>
  );
}

interface EmptyProps {
  title: string;
  text: string;
  /** It is all that the page shows. */
  whole?: boolean;
  children?: ReactNode;
}

export function Empty({ title, text, whole = false, children }: EmptyProps) {
  return (
    <div className="state">
      {whole ? <h1 className="state-title">{title}</h1> : <h2>{title}</h2>}
      <p className="meta">{text}</p>
      {children}
    </div>
  );
}

export function Failed({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const { t, language } = useI18n();
  const { home } = useSession();
  const { client } = useHub();
  const away = useConnection().state === "away";
  // The strip above has said it, and everything is read again when the hub is back: nothing to press.
  if (away && error instanceof NetworkError) return <p className="meta state">{t("error.away")}</p>;
  const refused = error instanceof ApiError && error.status < 500 && error.problem.detail;
  return (
    <div className="state" role="alert">
      <h2>{refused ? error.problem.detail : t(error instanceof ApiError ? "error.broken" : "error.title")}</h2>
      {!refused && (
        <p className="meta">{t("error.detail", { time: clock(client.now(), home.time_zone, language, true) })}</p>
      )}
      <Button className="btn small" onPress={onRetry}>
        {t("error.retry")}
      </Button>
    </div>
  );
}
