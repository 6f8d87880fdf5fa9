// A pairing that goes on or went wrong: the plug's ring, its five steps as they happen, and one way on.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Button } from "react-aria-components/Button";
import { ApiError } from "../../api/client";
import { outletKey } from "../../api/live";
import { isRunning, usePairing } from "../../api/pairing";
import { useDevices, useReadings } from "../../api/queries";
import type { Pairing } from "../../api/pairing.types";
import { useHub, useNow } from "../../app/hub";
import { useI18n } from "../../i18n/i18n";
import { duration } from "../../model/format";
import { FormError } from "../../ui/FormError";
import { SkeletonRows } from "../../ui/States";
import { Advice } from "./Advice";
import { NamePlug } from "./NamePlug";
import { PlugRing } from "./PlugRing";
import { StepList } from "./StepList";
import { type Going, GOING, SHARE, STEPS, useStep } from "./steps";

const SILENT_AFTER_MS = 20_000;
const WRONG_CODE = "pairing-code-wrong";

export interface Ways {
  /** Open a window again for this plug: at once where the page still has the code, else by its form. */
  again: (hardwareId: string) => void;
  /** The form, with this plug filled in. */
  code: (hardwareId: string) => void;
  begin: () => void;
}

export function Working({ id, ways }: { id: string; ways: Ways }) {
  const { t } = useI18n();
  const { data, error } = usePairing(id);
  // One that is over is forgotten by the hub some day; what the page shows of it stays.
  if (error instanceof ApiError && error.status === 404 && (!data || isRunning(data)))
    return <Gone title={t("pair.gone")} text={t("pair.goneText")} onBegin={ways.begin} />;
  if (!data) return <SkeletonRows rows={5} />;
  return <Window key={data.id} pairing={data} ways={ways} />;
}

function Window({ pairing, ways }: { pairing: Pairing; ways: Ways }) {
  const { state, error } = pairing;
  const step = useStep(state === "failed" || state === "expired" ? null : state);
  const [named, setNamed] = useState(false);
  const measured = useMeasured(pairing);
  if (state === "failed" || state === "expired" || error?.code === WRONG_CODE)
    return <Trouble pairing={pairing} step={step} ways={ways} />;
  if (state === "done" && step === GOING.length - 1 && (measured || named) && pairing.device !== null)
    return <NamePlug id={pairing.device} pairing={pairing} />;
  return <Progress pairing={pairing} step={step} onCancelled={ways.begin} onWithout={() => setNamed(true)} />;
}

/** Has the plug measured something since it was waited for? One that took another's place must be heard anew. */
function useMeasured({ device, opened }: Pairing): boolean {
  const found = useDevices().data?.find(({ id }) => id === device);
  const reading = useReadings();
  return Boolean(
    found?.online &&
    found.channels.some(({ channel }) => {
      const { power, at } = reading(outletKey(found.id, channel));
      return power !== null && at !== null && at > opened;
    }),
  );
}

interface ProgressProps {
  pairing: Pairing;
  step: number;
  onCancelled: () => void;
  onWithout: () => void;
}

function Progress({ pairing, step, onCancelled, onWithout }: ProgressProps) {
  const { t, language } = useI18n();
  const { client } = useHub();
  const queries = useQueryClient();
  const now = useNow(1000);
  const [failed, setFailed] = useState(false);
  const state: Going = GOING[step] ?? "waiting";
  const silent = state === "waiting" && now - pairing.opened > SILENT_AFTER_MS;
  const stalled = useStalled(state);
  const left = duration(Math.max(0, pairing.expires - now), language);

  const cancel = (): void =>
    void client.request<Pairing>("DELETE", `/pairings/${pairing.id}`).then(
      (ended) => {
        // It may have been done a moment before.
        queries.setQueryData(["pairing", pairing.id], ended);
        if (ended.state !== "done") onCancelled();
      },
      () => setFailed(true),
    );

  return (
    <>
      <div className="pair-picture">
        <PlugRing share={SHARE[state]} tone="use" />
      </div>
      <div className="pair-say">
        <div role="status">
          <h1>{t(`pair.title.${state}`)}</h1>
        </div>
        <p className="meta">
          {state === "waiting" ? t("pair.left", { left }) : (pairing.error?.detail ?? t("pair.soon"))}
        </p>
      </div>
      <StepList hardwareId={pairing.hardware_id} done={step + (step === STEPS.length - 1 ? 0 : 1)} />
      {silent && <Advice kind="silent" />}
      <FormError text={failed ? t("error.title") : null} />
      {isRunning(pairing) ? (
        <Button className="btn wide soft" onPress={cancel}>
          {t("edit.cancel")}
        </Button>
      ) : (
        stalled && (
          <Button className="btn wide soft" onPress={onWithout}>
            {t("pair.without")}
          </Button>
        )
      )}
    </>
  );
}

const STALLED_AFTER_MS = 10_000;

/** Has the page stood still in this state for a while? */
function useStalled(state: Going): boolean {
  const [stalled, setStalled] = useState<Going | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setStalled(state), STALLED_AFTER_MS);
    return () => clearTimeout(timer);
  }, [state]);
  return stalled === state;
}

function Trouble({ pairing, step, ways }: { pairing: Pairing; step: number; ways: Ways }) {
  const { t } = useI18n();
  const { error, hardware_id: plug } = pairing;
  const wrongCode = error?.code === WRONG_CODE;
  const silent = pairing.state === "expired";
  const done = wrongCode ? 2 : step + 1;
  const title = wrongCode
    ? t("pair.wrong")
    : silent
      ? t("pair.late")
      : t(error?.code === "pairing-cancelled" ? "pair.cancelled" : "pair.failed");
  const tries =
    wrongCode && isRunning(pairing)
      ? t("pair.tries", { count: pairing.tries_left })
      : wrongCode
        ? t("pair.closed")
        : t("pair.stopped");
  return (
    <>
      <div className="pair-picture">
        <PlugRing share={done * 0.2 - 0.1} tone="danger" />
      </div>
      <div className="pair-say" role="alert">
        <h1>{title}</h1>
        {error?.code !== "pairing-cancelled" && (
          <p className="meta">{wrongCode ? t("pair.wrongText") : error?.detail}</p>
        )}
      </div>
      <StepList hardwareId={plug} done={Math.min(done, STEPS.length - 1)} wrong={tries} />
      {(wrongCode || silent) && <Advice kind={wrongCode ? "code" : "silent"} />}
      {wrongCode ? (
        <Button className="btn wide" onPress={() => ways.code(plug)}>
          {t("pair.typeAgain")}
        </Button>
      ) : (
        <Button className="btn wide" onPress={() => ways.again(plug)}>
          {t("error.retry")}
        </Button>
      )}
    </>
  );
}

function Gone({ title, text, onBegin }: { title: string; text: string; onBegin: () => void }) {
  const { t } = useI18n();
  return (
    <>
      <div className="pair-picture">
        <PlugRing share={0.1} tone="danger" />
      </div>
      <div className="pair-say" role="alert">
        <h1>{title}</h1>
        <p className="meta">{text}</p>
      </div>
      <Button className="btn wide" onPress={onBegin}>
        {t("pair.begin")}
      </Button>
    </>
  );
}
