// Asks once, by name, where there is no way back. What the hub says against it stands in the dialog.
import { type ReactNode, type SyntheticEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { Dialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { useI18n } from "../i18n/i18n";
import { FormError } from "./FormError";
import { problemWords } from "./problem";
import { YourPassword } from "./YourPassword";
import "./dialog.css";

interface AskProps {
  title: string;
  text: string;
  /** On the button that does it. */
  act: string;
  /** Whether it takes something away. */
  bad?: boolean;
  /** The password is asked for once more, and given to `onAct`. */
  password?: boolean;
  open: boolean;
  onClose: () => void;
  /** Does it; what it throws is said, and the dialog stays. */
  onAct: (password: string) => Promise<void>;
  children?: ReactNode;
}

export function Ask({ open, onClose, ...rest }: AskProps) {
  const [busy, setBusy] = useState(false);
  return (
    <ModalOverlay
      className="dialog-ground"
      isOpen={open}
      isDismissable={!busy}
      isKeyboardDismissDisabled={busy}
      onOpenChange={(next) => !next && onClose()}
    >
      <Modal className="dialog">
        <Question {...rest} busy={busy} setBusy={setBusy} onClose={onClose} />
      </Modal>
    </ModalOverlay>
  );
}

interface QuestionProps extends Omit<AskProps, "open"> {
  busy: boolean;
  setBusy: (busy: boolean) => void;
}

function Question({ title, text, act, bad = false, password = false, busy, setBusy, ...rest }: QuestionProps) {
  const { t } = useI18n();
  const [error, setError] = useState<string | null>(null);
  const [given, setGiven] = useState("");
  const { onClose, onAct, children } = rest;

  const submit = async (event?: SyntheticEvent): Promise<void> => {
    event?.preventDefault();
    if (busy) return;
    if (password && !given) {
      setError(t("account.passwordMissing"));
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await onAct(given);
      setBusy(false);
      onClose();
    } catch (problem) {
      setBusy(false);
      setError(problemWords(t, problem));
    }
  };

  return (
    <Dialog role="alertdialog">
      <form noValidate onSubmit={(event) => void submit(event)}>
        <Heading slot="title" className="h2">
          {title}
        </Heading>
        <p className="meta">{text}</p>
        {children}
        {password && (
          <div className="dialog-field">
            <YourPassword value={given} error={error} onChange={setGiven} />
          </div>
        )}
        {!password && <FormError text={error} />}
        <div className="row dialog-acts">
          <Button className="btn outline" autoFocus={!password} isDisabled={busy} onPress={onClose}>
            {t(bad ? "ask.keep" : "edit.cancel")}
          </Button>
          <Button className={bad ? "btn bad" : "btn"} type="submit" isPending={busy}>
            {act}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
