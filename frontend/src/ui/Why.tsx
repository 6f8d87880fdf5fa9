// Why a switch does not simply switch, and what to do: opened by touching it.
import type { RefObject } from "react";
import { Button } from "react-aria-components/Button";
import { Dialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Popover } from "react-aria-components/Popover";
import { useConnection } from "../app/hub";
import { type Translate, useI18n } from "../i18n/i18n";
import { outletName, type OutletView, type SwitchState } from "../model/outlet";
import "./why.css";

interface WhyProps {
  view: OutletView;
  state: SwitchState;
  trigger: RefObject<HTMLButtonElement | null>;
  onClose: () => void;
  onSwitch: (on: boolean) => void;
}

export default function Why({ view, state, trigger, onClose, onSwitch }: WhyProps) {
  const { t } = useI18n();
  const away = useConnection().state === "away";
  const { title, text } = explain(t, outletName(view), state, away);
  // What the plug cut off is off by now: then the way on is to switch it on.
  const wanted = state.target === null || state.target === state.on ? !state.on : state.target;
  const retry = state.kind === "refused" ? wanted : null;
  return (
    <Popover
      className="why"
      triggerRef={trigger}
      isOpen
      onOpenChange={(open) => !open && onClose()}
      placement="bottom end"
      containerPadding={20}
    >
      <Dialog>
        <Heading slot="title" className="h3">
          {title}
        </Heading>
        <p className="meta">{text}</p>
        <div className="row">
          {retry !== null && (
            <Button className="btn small" onPress={() => onSwitch(retry)}>
              {t(retry ? "why.tryOn" : "why.tryOff")}
            </Button>
          )}
          <Button className="btn small soft" onPress={onClose}>
            {t("close")}
          </Button>
        </div>
      </Dialog>
    </Popover>
  );
}

function explain(t: Translate, name: string, state: SwitchState, away: boolean): { title: string; text: string } {
  if (state.kind === "offline")
    return away
      ? { title: t("why.awayTitle"), text: t("why.awayText") }
      : { title: t("why.offlineTitle", { name }), text: t("why.offlineText") };
  if (state.kind === "protected") return { title: t("why.protectedTitle", { name }), text: t("why.protectedText") };
  const text =
    state.error === "overload"
      ? t("why.overloadText")
      : state.error === "late"
        ? t("why.lateText")
        : t("why.otherText", { error: state.error ?? t("quantity.unknown") });
  return { title: t("why.refusedTitle", { name }), text };
}
