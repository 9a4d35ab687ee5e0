import { useState } from "react";
import { t } from "../messages/t";
import { Button } from "../ui/Button";
import { ShareDialog } from "./ShareDialog";

/** Opens the dialog that makes and ends a document's links. */
export function ShareButton({ document }: { readonly document: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button
        look="outline"
        aria-haspopup="dialog"
        onClick={() => {
          setOpen(true);
        }}
      >
        {t.share}
      </Button>
      {open && (
        <ShareDialog
          document={document}
          onClose={() => {
            setOpen(false);
          }}
        />
      )}
    </>
  );
}
