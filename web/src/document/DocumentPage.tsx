import { Editor } from "../editor/Editor";
import type { Identity } from "../identity/identity";
import { t } from "../messages/t";
import type { Connection } from "../session/connection";
import { Bar } from "./Bar";
import css from "./DocumentPage.module.css";
import { useSession } from "./useSession";

interface Props {
  readonly name: string;
  readonly identity: Identity;
  readonly mayShare: boolean;
}

/** One document with everyone in it. */
export default function DocumentPage({ name, identity, mayShare }: Props) {
  const { connection, readOnly, document, people } = useSession(name, identity);
  return (
    <>
      <title>{`${name} · ${t.product}`}</title>
      <Bar name={name} readOnly={readOnly} mayShare={mayShare} connection={connection} people={people} />
      <main className={css.page}>
        <article className={css.paper}>
          {document === null ? (
            <Waiting connection={connection} />
          ) : (
            <Editor document={document} name={name} editable={!readOnly && connection.kind !== "refused"} />
          )}
        </article>
        {document !== null && <Notice connection={connection} readOnly={readOnly} />}
      </main>
    </>
  );
}

/** Stands where the text will be. */
function Waiting({ connection }: { readonly connection: Connection }) {
  switch (connection.kind) {
    case "connecting":
    case "connected":
      return <p className={`${css.waiting ?? ""} ${css.opening ?? ""}`}>{t.opening}</p>;
    case "offline":
      return <p className={css.waiting}>{t.cannotReach}</p>;
    case "refused":
      return <p className={css.waiting}>{t.refusedBecause(connection.reason)}</p>;
  }
}

/** Says what the bar's one word doesn't, when there is something to do or to know. */
function Notice({ connection, readOnly }: { readonly connection: Connection; readonly readOnly: boolean }) {
  switch (connection.kind) {
    case "connecting":
    case "connected":
      return null;
    case "offline":
      return <p className={css.notice}>{readOnly ? t.offlineReader : t.offlineKeepOpen}</p>;
    case "refused":
      return <p className={css.notice}>{t.refusedBecause(connection.reason)}</p>;
  }
}
