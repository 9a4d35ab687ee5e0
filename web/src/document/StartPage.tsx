import type { Identity } from "../identity/identity";
import { JoinCard } from "../identity/JoinCard";
import { t } from "../messages/t";
import css from "./StartPage.module.css";

interface Props {
  readonly identity: Identity | null;
  /** The document of the address, when the visitor came by a link and has no name yet. */
  readonly document?: string;
  readonly onJoin: (identity: Identity, document: string) => void;
}

/** What a visitor sees first: who are you, and where do you want to write. */
export function StartPage(props: Props) {
  return (
    <main className={css.page}>
      <title>{t.product}</title>
      <header className={css.head}>
        <img className={css.mark} src="/favicon.svg" alt="" width="40" height="40" />
        <h1 className={css.title}>{t.product}</h1>
        <p className={css.tagline}>{t.tagline}</p>
      </header>
      <JoinCard {...props} />
    </main>
  );
}
