// What is shown once: a link as QR code, a text to copy.
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useState } from "react";
import { Button } from "react-aria-components/Button";
import { useI18n } from "../i18n/i18n";
import { useAnnouncer } from "./Announcer";
import "./secret.css";

/** An <img>: whatever stands in the SVG, it is drawn and never run. */
export function QrCode({ svg, label }: { svg: string; label: string }) {
  return (
    <span className="qr-box">
      <img src={`data:image/svg+xml,${encodeURIComponent(svg)}`} alt={label} />
    </span>
  );
}

/** Over plain HTTP a browser has no clipboard for pages: then the text can only be selected. */
export function clipboard(): Clipboard | undefined {
  return "clipboard" in navigator ? navigator.clipboard : undefined;
}

export function CopyButton({ text, className = "btn small outline" }: { text: string; className?: string }) {
  const { t } = useI18n();
  const { announce } = useAnnouncer();
  const [copied, setCopied] = useState(false);
  const board = clipboard();
  if (!board) return null;
  const copy = async (): Promise<void> => {
    await board.writeText(text);
    setCopied(true);
    announce(t("secret.copied"));
  };
  return (
    <Button className={className} onPress={() => void copy()}>
      {copied ? (
        <IconCheck className="icon xs" aria-hidden="true" />
      ) : (
        <IconCopy className="icon xs" aria-hidden="true" />
      )}
      {t(copied ? "secret.copied" : "secret.copy")}
    </Button>
  );
}

/** A text that is chosen as a whole with one touch, and its button. */
export function SecretText({ label, value, copy = true }: { label: string; value: string; copy?: boolean }) {
  return (
    <div>
      <span className="secret-label">{label}</span>
      <div className="secret-text">
        <span className="mono grow">{value}</span>
        {copy && <CopyButton text={value} />}
      </div>
    </div>
  );
}
