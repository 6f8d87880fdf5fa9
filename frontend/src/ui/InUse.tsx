// The ink switch of a rule; who may not change the rule sees how it stands.
import { useState } from "react";
import { SwitchButton, SwitchField } from "react-aria-components/Switch";
import { useConnection } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { useAnnouncer } from "./Announcer";
import { problemWords } from "./problem";
import "./switch.css";

interface InUseProps {
  label: string;
  rule: { enabled: boolean; may_change: boolean };
  change: (enabled: boolean) => Promise<unknown>;
}

export function InUse({ label, rule, change }: InUseProps) {
  const { t } = useI18n();
  const { toast } = useAnnouncer();
  const away = useConnection().state === "away";
  const [busy, setBusy] = useState(false);
  if (!rule.may_change)
    return (
      <span className="ink-switch still" data-selected={rule.enabled || undefined} aria-hidden="true">
        <span className="track" />
      </span>
    );
  const turn = async (enabled: boolean): Promise<void> => {
    if (busy) return;
    setBusy(true);
    try {
      await change(enabled);
    } catch (error) {
      toast(problemWords(t, error));
    }
    setBusy(false);
  };
  return (
    <SwitchField
      aria-label={label}
      isSelected={rule.enabled}
      isDisabled={away}
      onChange={(enabled) => void turn(enabled)}
    >
      <SwitchButton className="ink-switch">
        <span className="track" />
      </SwitchButton>
    </SwitchField>
  );
}
