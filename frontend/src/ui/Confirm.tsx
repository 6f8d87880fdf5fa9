// What makes somebody an admin asks first who sits here, where they have not shown it lately.
import { type ReactNode, useRef, useState } from "react";
import { ApiError } from "../api/client";
import { useHub } from "../app/hub";
import { useI18n } from "../i18n/i18n";
import { Ask } from "./Ask";

interface Confirmation {
  /** Does the work, after the password where the hub wants it; false: that was not given, and nothing is done. */
  confirmed: (work: () => Promise<void>) => Promise<boolean>;
  /** Belongs on the page. */
  dialog: ReactNode;
}

export function useConfirmation(): Confirmation {
  const { t } = useI18n();
  const { client } = useHub();
  const [asks, setAsks] = useState(false);
  const answer = useRef<(shown: boolean) => void>(undefined);

  const confirmed = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (problem) {
      if (!(problem instanceof ApiError && problem.problem.code === "confirmation-needed")) throw problem;
    }
    setAsks(true);
    const shown = await new Promise<boolean>((resolve) => (answer.current = resolve));
    if (shown) await work();
    return shown;
  };
  const dialog = (
    <Ask
      open={asks}
      password
      title={t("confirm.title")}
      text={t("confirm.text")}
      act={t("confirm.act")}
      onClose={() => {
        setAsks(false);
        answer.current?.(false);
      }}
      onAct={async (password) => {
        await client.request("POST", "/account/confirm", { password });
        answer.current?.(true);
      }}
    />
  );
  return { confirmed, dialog };
}
