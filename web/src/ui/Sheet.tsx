import { X } from "lucide-react";
import { useEffect, useId, useRef, type ReactNode } from "react";
import { IconButton } from "./IconButton";
import css from "./Sheet.module.css";

interface Props {
  readonly title: string;
  readonly closeLabel: string;
  /** Called once it is closed: by its button, by Escape, or by a press beside it. */
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A panel over the page: from below on a phone, from the side elsewhere. */
export function Sheet({ title, closeLabel, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // A press on the backdrop has the dialog itself as its target: what is in it covers the rest.
    const beside = (event: MouseEvent) => {
      if (event.target === element) element?.close();
    };
    element?.addEventListener("click", beside);
    return () => {
      element?.removeEventListener("click", beside);
    };
  }, []);
  return (
    <dialog ref={dialog} className={css.sheet} aria-labelledby={id} onClose={onClose}>
      <div className={css.inside}>
        <div className={css.head}>
          <h2 id={id} className={css.title}>
            {title}
          </h2>
          <IconButton label={closeLabel} onClick={() => dialog.current?.close()}>
            <X size={18} aria-hidden="true" />
          </IconButton>
        </div>
        <div className={css.body}>{children}</div>
      </div>
    </dialog>
  );
}
