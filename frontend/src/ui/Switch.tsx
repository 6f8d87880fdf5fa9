// A setting that is on or off, with a line that says what that means.
import { SwitchButton, SwitchField } from "react-aria-components/Switch";
import "./switch.css";

interface SwitchProps {
  label: string;
  hint: string;
  isSelected: boolean;
  isDisabled?: boolean;
  onChange: (isSelected: boolean) => void;
}

export function Switch({ label, hint, isSelected, isDisabled = false, onChange }: SwitchProps) {
  return (
    <SwitchField isSelected={isSelected} isDisabled={isDisabled} onChange={onChange}>
      <SwitchButton className="ink-switch">
        <span className="grow">
          <span className="h3 block">{label}</span>
          <span className="meta block">{hint}</span>
        </span>
        <span className="track" />
      </SwitchButton>
    </SwitchField>
  );
}
