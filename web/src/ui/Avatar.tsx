import css from "./Avatar.module.css";
import { initials } from "./initials";

interface Props {
  readonly name: string;
  readonly color: string;
  readonly ink: string;
}

/** A person's initials on their colour. Decoration: whoever uses it says the name as well. */
export function Avatar({ name, color, ink }: Props) {
  return (
    <span className={css.avatar} style={{ background: color, color: ink }} aria-hidden="true">
      {initials(name)}
    </span>
  );
}
