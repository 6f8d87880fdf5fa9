// What stands against a form as a whole, or against what a button did.
import { IconAlertCircle } from "@tabler/icons-react";
import "./field.css";

export function FormError({ text }: { text: string | null }) {
  if (text === null) return null;
  return (
    <p className="form-error" role="alert">
      <IconAlertCircle className="icon s" aria-hidden="true" />
      {text}
    </p>
  );
}
