import { useEffect, useId, useRef, type ReactNode } from "react";
import { Button } from "./Button";
import css from "./Dialog.module.css";

interface Props {
  readonly title: string;
  readonly closeLabel: string;
  /** Called once it is closed, by its button or by Escape; the focus is back where it was. */
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A dialog over the page, which waits meanwhile. The browser keeps the focus in it and gives it back. */
export function Dialog({ title, closeLabel, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} className={css.dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id} className={css.title}>
        {title}
      </h2>
      <div className={css.body}>{children}</div>
      <div className={css.foot}>
        <Button look="outline" onClick={() => dialog.current?.close()}>
          {closeLabel}
        </Button>
      </div>
    </dialog>
  );
}
