import { t } from "../messages/t";
import type { Connection } from "../session/connection";
import css from "./ConnectionState.module.css";

/** One word for the connection, always visible, and told to screen readers when it changes. */
export function ConnectionState({ connection }: { readonly connection: Connection }) {
  return (
    <p className={css.state} role="status" data-connection={connection.kind}>
      <span className={css.dot} aria-hidden="true" />
      <span className={css.word}>{t[connection.kind]}</span>
    </p>
  );
}
