import { useState } from "react";
import { t } from "../messages/t";
import { Dialog } from "../ui/Dialog";
import { LinkForm } from "./LinkForm";
import { LinkList } from "./LinkList";
import type { MadeLink } from "./links";
import { NewLink } from "./NewLink";
import css from "./ShareDialog.module.css";
import { useLinks } from "./useLinks";

interface Props {
  readonly document: string;
  readonly onClose: () => void;
}

/** Makes links to a document, and shows those there are. */
export function ShareDialog({ document, onClose }: Props) {
  const { known, done, problem, make, setRole, revoke, say } = useLinks(document);
  const [made, setMade] = useState<MadeLink | null>(null);
  const links = known.kind === "listed" ? known.links : [];
  const shown = links.some(({ id }) => id === made?.id) ? made : null; // not once it is revoked
  return (
    <Dialog title={t.shareTitle(document)} closeLabel={t.closeShare} onClose={onClose}>
      {known.kind === "listed" && shown === null && (
        <LinkForm
          onMake={async (wish) => {
            setMade(await make(wish));
          }}
        />
      )}
      {shown !== null && (
        <NewLink
          link={shown}
          onCopy={(how) => {
            say(t.copied[how]);
          }}
          onAnother={() => {
            setMade(null);
            say("");
          }}
        />
      )}
      <div className={css.news}>
        <p role="status">{known.kind === "unborn" ? t.writeFirst : done}</p>
        <p role="alert" className={css.problem}>
          {problem}
        </p>
      </div>
      {known.kind === "listed" && <LinkList links={links} onRole={setRole} onRevoke={revoke} />}
    </Dialog>
  );
}
