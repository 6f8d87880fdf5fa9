// One of a few, side by side.
import { RadioButton, RadioField, RadioGroup } from "react-aria-components/RadioGroup";
import "./segmented.css";

interface SegmentedProps<V extends string> {
  label: string;
  value: V;
  options: { value: V; label: string }[];
  onChange: (value: V) => void;
  full?: boolean;
  disabled?: boolean;
}

export function Segmented<V extends string>({
  label,
  value,
  options,
  onChange,
  full = false,
  disabled = false,
}: SegmentedProps<V>) {
  return (
    <RadioGroup
      className={`segmented ${full ? "full" : ""}`}
      aria-label={label}
      orientation="horizontal"
      value={value}
      isDisabled={disabled}
      onChange={(next) => onChange(next as V)}
    >
      {options.map((option) => (
        <RadioField key={option.value} value={option.value} className="option">
          <RadioButton className="segment">{option.label}</RadioButton>
        </RadioField>
      ))}
    </RadioGroup>
  );
}
