import { useRef } from "react";
import { t } from "../messages/t";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import type { MadeLink } from "./links";
import css from "./NewLink.module.css";

interface Props {
  readonly link: MadeLink;
  /** Told how copying went. */
  readonly onCopy: (how: "done" | "refused") => void;
  readonly onAnother: () => void;
}

/** The one time that a link's address is shown. */
export function NewLink({ link, onCopy, onAnother }: Props) {
  const field = useRef<HTMLInputElement>(null);

  async function copy() {
    // Where it isn't allowed, or the page came over plain HTTP, there is no clipboard.
    const clipboard = navigator.clipboard as Clipboard | undefined;
    try {
      if (clipboard === undefined) throw new Error("no clipboard");
      await clipboard.writeText(link.address);
      onCopy("done");
    } catch {
      onCopy("refused");
      field.current?.focus();
      field.current?.select();
    }
  }

  return (
    <div className={css.made}>
      <div className={css.row}>
        <div className={css.address}>
          <Field
            label={t.newLink(t.role[link.role])}
            ref={field}
            value={link.address}
            readOnly
            onFocus={(event) => {
              event.target.select();
            }}
          />
        </div>
        <Button look="main" autoFocus onClick={() => void copy()}>
          {t.copyLink}
        </Button>
      </div>
      <div className={css.foot}>
        <p className={css.once}>{t.shownOnce}</p>
        <Button look="outline" onClick={onAnother}>
          {t.anotherLink}
        </Button>
      </div>
    </div>
  );
}
