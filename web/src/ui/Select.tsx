import { useId } from "react";
import field from "./Field.module.css";
import css from "./Select.module.css";

interface Props<Key extends string> {
  readonly label: string;
  /** Where the surroundings tell what is chosen, the label is for screen readers only. */
  readonly hideLabel?: boolean;
  readonly autoFocus?: boolean;
  readonly value: Key;
  /** What can be chosen, in words. */
  readonly options: Readonly<Partial<Record<Key, string>>>;
  readonly onChange: (value: Key) => void;
}

/** A labelled choice of one of a few. */
export function Select<Key extends string>({ label, hideLabel = false, autoFocus = false, value, options, onChange }: Props<Key>) {
  const id = useId();
  return (
    <div className={field.field}>
      <label className={hideLabel ? "visually-hidden" : field.label} htmlFor={id}>
        {label}
      </label>
      <select
        id={id}
        className={`${field.input ?? ""} ${css.select ?? ""}`}
        value={value}
        autoFocus={autoFocus}
        onChange={(event) => {
          onChange(event.target.value as Key);
        }}
      >
        {Object.entries<string | undefined>(options).map(([key, words]) => (
          <option key={key} value={key}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}
