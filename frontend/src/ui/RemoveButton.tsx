// Removes at once and offers to undo it: what is undone is made anew.
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { ApiError } from "../api/client";
import { useConnection } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { useAnnouncer } from "./Announcer";
import { problemWords } from "./problem";

interface RemoveButtonProps {
  label: string;
  remove: () => Promise<unknown>;
  again: () => Promise<unknown>;
  words: { removed: string; back: string };
  onDone: () => void;
}

export function RemoveButton({ label, remove, again, words, onDone }: RemoveButtonProps) {
  const { t } = useI18n();
  const { toast } = useAnnouncer();
  const away = useConnection().state === "away";
  const [busy, setBusy] = useState(false);
  const failed = (problem: unknown): void => toast(problemWords(t, problem));

  const undo = async (): Promise<void> => {
    try {
      await again();
    } catch (problem) {
      failed(problem);
      return;
    }
    toast(words.back);
  };
  const press = async (): Promise<void> => {
    if (busy) return;
    setBusy(true);
    try {
      await remove();
    } catch (problem) {
      // Somebody else was faster: what was asked for is done.
      if (!(problem instanceof ApiError && problem.status === 404)) {
        failed(problem);
        setBusy(false);
        return;
      }
    }
    onDone();
    toast(words.removed, () => void undo());
  };
  return (
    <Button className="btn soft" isDisabled={away} isPending={busy} onPress={() => void press()}>
      {label}
    </Button>
  );
}
