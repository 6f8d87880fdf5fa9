// What a person can do when a plug does not answer, or is not the one whose code was entered.
import { IconKeyboard, IconPlug, IconRefresh, IconRouter, IconTag, type TablerIcon } from "@tabler/icons-react";
import { type MessageId, useI18n } from "../../i18n/i18n";

type Kind = "silent" | "code";

const ADVICE: Record<Kind, [TablerIcon, MessageId, MessageId][]> = {
  silent: [
    [IconPlug, "pair.help.power", "pair.help.power.text"],
    [IconRouter, "pair.help.network", "pair.help.network.text"],
    [IconRefresh, "pair.help.button", "pair.help.button.text"],
  ],
  code: [
    [IconKeyboard, "pair.help.typed", "pair.help.typed.text"],
    [IconTag, "pair.help.label", "pair.help.label.text"],
  ],
};

export function Advice({ kind }: { kind: Kind }) {
  const { t } = useI18n();
  return (
    <ul className="sheet flush list icons">
      {ADVICE[kind].map(([Icon, title, text]) => (
        <li className="list-row" key={title}>
          <Icon className="icon" aria-hidden="true" />
          <span className="grow">
            <span className="h3 block">{t(title)}</span>
            <span className="meta block">{t(text)}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
