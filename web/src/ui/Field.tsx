import { useId, type ComponentProps } from "react";
import css from "./Field.module.css";

interface Props extends ComponentProps<"input"> {
  readonly label: string;
  readonly hint?: string;
  /** What is wrong with the value, once the form was sent. */
  readonly problem?: string | undefined;
}

/** A labelled line of text, with what helps to fill it in below. */
export function Field({ label, hint, problem, ...input }: Props) {
  const id = useId();
  const note = problem ?? hint;
  return (
    <div className={css.field}>
      <label className={css.label} htmlFor={id}>
        {label}
      </label>
      <input
        {...input}
        id={id}
        className={css.input}
        aria-invalid={problem !== undefined}
        aria-describedby={note === undefined ? undefined : `${id}-note`}
      />
      {note !== undefined && (
        <p id={`${id}-note`} className={problem === undefined ? css.hint : css.problem}>
          {note}
        </p>
      )}
    </div>
  );
}
