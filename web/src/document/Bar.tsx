import { t } from "../messages/t";
import type { Connection } from "../session/connection";
import type { Person } from "../session/presence";
import { ShareButton } from "../share/ShareButton";
import css from "./Bar.module.css";
import { ConnectionState } from "./ConnectionState";
import { Faces } from "./Faces";

interface Props {
  readonly name: string;
  readonly readOnly: boolean;
  readonly mayShare: boolean;
  readonly connection: Connection;
  readonly people: readonly Person[];
}

/** Where you are, whether the server hears you, who is here, and who else may come. */
export function Bar({ name, readOnly, mayShare, connection, people }: Props) {
  return (
    <header className={css.bar}>
      <a className={css.home} href="/" aria-label={t.product}>
        <img src="/favicon.svg" alt="" width="22" height="22" />
        <span className={css.product}>{t.product}</span>
      </a>
      <h1 className={css.name} title={name}>
        {name}
      </h1>
      {readOnly && <p className={css.role}>{t.readOnly}</p>}
      <ConnectionState connection={connection} />
      <div className={css.end}>
        <Faces people={people} />
        {mayShare && <ShareButton document={name} />}
      </div>
    </header>
  );
}
