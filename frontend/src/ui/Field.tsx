// A labelled field: label above, hint or error below. Text, password and native choices look alike.
import { IconAlertCircle, IconChevronDown, IconEye, IconEyeOff } from "@tabler/icons-react";
import { type ReactNode, useId, useState } from "react";
import { useI18n } from "../i18n/i18n";
import "./field.css";

interface Common {
  label: string;
  hint?: string;
  error?: string | null;
}

function Frame({ label, hint, error, id, children }: Common & { id: string; children: ReactNode }) {
  return (
    <div className={`field ${error ? "invalid" : ""}`}>
      <label htmlFor={id}>{label}</label>
      {children}
      {(error || hint) && (
        <p className={error ? "field-error" : "meta"} id={`${id}-note`}>
          {error && <IconAlertCircle className="icon xs" aria-hidden="true" />}
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

interface TextFieldProps extends Common {
  name: string;
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "email" | "password";
  autoComplete?: string;
  inputMode?: "text" | "email" | "numeric" | "decimal";
  unit?: string;
  list?: string[];
  /** The most characters that the hub takes; more can be typed, and is said. */
  limit?: number;
}

/** How many characters are too many, counted as the hub does. */
export const tooMany = (value: string, limit: number): number => Math.max(0, Array.from(value.trim()).length - limit);

export function TextField({ type = "text", unit, list, onChange, ...props }: TextFieldProps) {
  const { t } = useI18n();
  const id = useId();
  const [shown, setShown] = useState(false);
  const { label, hint, limit, error: given, ...input } = props;
  const over = limit === undefined ? 0 : tooMany(input.value, limit);
  const error = limit !== undefined && over > 0 ? t("field.tooLong", { limit, over }) : given;
  const noted = Boolean(error ?? hint);
  return (
    <Frame id={id} label={label} {...(hint !== undefined && { hint })} {...(error !== undefined && { error })}>
      <div className="field-box">
        <input
          id={id}
          {...input}
          type={shown ? "text" : type}
          aria-invalid={Boolean(error)}
          aria-describedby={noted ? `${id}-note` : undefined}
          list={list ? `${id}-list` : undefined}
          autoCapitalize={type === "text" ? undefined : "none"}
          spellCheck={false}
          onChange={(event) => onChange(event.target.value)}
        />
        {unit && <span className="quiet">{unit}</span>}
        {type === "password" && (
          <button
            type="button"
            className="icon-btn"
            aria-label={t(shown ? "login.hidePassword" : "login.showPassword")}
            onClick={() => setShown(!shown)}
          >
            {shown ? (
              <IconEyeOff className="icon s" aria-hidden="true" />
            ) : (
              <IconEye className="icon s" aria-hidden="true" />
            )}
          </button>
        )}
        {list && (
          <datalist id={`${id}-list`}>
            {list.map((value) => (
              <option key={value} value={value} />
            ))}
          </datalist>
        )}
      </div>
    </Frame>
  );
}

interface DateFieldProps extends Common {
  value: string;
  onChange: (value: string) => void;
  least?: string;
  most?: string;
}

/** A day as 2026-11-21, or nothing. The system's own picker, as for choices. */
export function DateField({ value, onChange, least, most, ...frame }: DateFieldProps) {
  const id = useId();
  return (
    <Frame id={id} {...frame}>
      <div className="field-box">
        <input
          id={id}
          type="date"
          value={value}
          min={least || undefined}
          max={most || undefined}
          onChange={(event) => onChange(event.target.value)}
        />
      </div>
    </Frame>
  );
}

interface Option {
  value: string;
  label: string;
}

interface ChoiceProps extends Common {
  value: string;
  onChange: (value: string) => void;
  options: Option[];
  /** More of them, under headings; one without options is left out. */
  groups?: { label: string; options: Option[] }[];
}

const optionsOf = (options: Option[]): ReactNode =>
  options.map(({ value, label }) => (
    <option key={value} value={value}>
      {label}
    </option>
  ));

/** The system's own picker: the best one on every phone. */
export function Choice({ value, onChange, options, groups = [], ...frame }: ChoiceProps) {
  const id = useId();
  return (
    <Frame id={id} {...frame}>
      <div className="field-box">
        <select
          id={id}
          value={value}
          aria-invalid={Boolean(frame.error)}
          aria-describedby={(frame.error ?? frame.hint) ? `${id}-note` : undefined}
          onChange={(event) => onChange(event.target.value)}
        >
          {optionsOf(options)}
          {groups
            .filter((group) => group.options.length > 0)
            .map((group) => (
              <optgroup key={group.label} label={group.label}>
                {optionsOf(group.options)}
              </optgroup>
            ))}
        </select>
        <IconChevronDown className="icon xs chevron" aria-hidden="true" />
      </div>
    </Frame>
  );
}

/** Sends the form it stands in. While `busy` it keeps the focus and says so, and a second press does nothing. */
export function Submit({ busy, wide = false, children }: { busy: boolean; wide?: boolean; children: ReactNode }) {
  return (
    <button
      type="submit"
      className={wide ? "btn wide" : "btn"}
      aria-disabled={busy}
      aria-busy={busy}
      onClick={(event) => busy && event.preventDefault()}
    >
      {children}
    </button>
  );
}
