// Catches what a page throws, so that a mistake in one page is not a white screen.
import { Component, type ReactNode } from "react";
import { useI18n } from "../i18n/i18n";
import { Empty } from "../ui/States";
import { Reload } from "./page";

interface Props {
  children: ReactNode;
}

export class ErrorBoundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    return this.state.failed ? <Crashed /> : this.props.children;
  }
}

function Crashed() {
  const { t } = useI18n();
  return (
    <div className="sheet" role="alert">
      <Empty whole title={t("crash.title")} text={t("crash.text")}>
        <Reload reload={() => location.reload()}>{t("crash.reload")}</Reload>
      </Empty>
    </div>
  );
}
