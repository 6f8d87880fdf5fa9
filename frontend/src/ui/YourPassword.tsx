// The password of whoever is signed in, asked again before something that matters.
import { useI18n } from "../i18n/i18n";
import { TextField } from "./Field";

interface YourPasswordProps {
  name?: string;
  hint?: string;
  value: string;
  error: string | null;
  onChange: (value: string) => void;
}

export function YourPassword({ name = "password", hint, value, error, onChange }: YourPasswordProps) {
  const { t } = useI18n();
  return (
    <TextField
      label={t("account.yourPassword")}
      name={name}
      type="password"
      autoComplete="current-password"
      {...(hint !== undefined && { hint })}
      value={value}
      error={error}
      onChange={onChange}
    />
  );
}
