// The five steps of pairing in words, each with what is known of it.
import { IconAlertCircle, IconCircle, IconCircleCheck } from "@tabler/icons-react";
import { useI18n } from "../../i18n/i18n";
import { STEPS } from "./steps";

interface StepListProps {
  hardwareId: string;
  /** How many steps are behind. */
  done: number;
  /** The step that is under way went wrong, and so. */
  wrong?: string | null;
}

export function StepList({ hardwareId, done, wrong = null }: StepListProps) {
  const { t } = useI18n();
  const shown = wrong === null ? STEPS : STEPS.slice(0, done + 1);
  const number = Math.min(done + 1, STEPS.length);
  return (
    <ol className="sheet pair-steps" data-reached={done}>
      {shown.map((step, place) => {
        const state = place < done ? "done" : place > done ? "later" : wrong === null ? "now" : "wrong";
        const detail =
          step === "label"
            ? hardwareId
            : state === "done"
              ? t(`pair.done.${step}`)
              : state === "wrong"
                ? wrong
                : state === "now"
                  ? t(`pair.now.${step}`, { number, count: STEPS.length })
                  : null;
        return (
          <li key={step} className={state} data-state={state} aria-current={state === "now" ? "step" : undefined}>
            <StepMark state={state} />
            <span className="grow">
              <span className="h3 block">{t(`pair.step.${step}`)}</span>
              {detail !== null && <span className="meta block">{detail}</span>}
            </span>
            <span className="hidden-visually">{t(`pair.state.${state}`)}</span>
          </li>
        );
      })}
    </ol>
  );
}

function StepMark({ state }: { state: "done" | "now" | "later" | "wrong" }) {
  if (state === "done") return <IconCircleCheck className="icon ok" aria-hidden="true" />;
  if (state === "wrong") return <IconAlertCircle className="icon danger" aria-hidden="true" />;
  if (state === "later") return <IconCircle className="icon quiet" aria-hidden="true" />;
  return (
    <svg className="icon turning" viewBox="0 0 24 24" fill="none" strokeWidth="1.7" aria-hidden="true">
      <circle cx="12" cy="12" r="9" stroke="var(--line)" />
      <path d="M12 3a9 9 0 0 1 9 9" stroke="var(--use)" strokeLinecap="round" />
    </svg>
  );
}
