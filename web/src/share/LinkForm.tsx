import { useState, type SubmitEvent } from "react";
import { t } from "../messages/t";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Select } from "../ui/Select";
import css from "./LinkForm.module.css";
import type { LinkWish } from "./links";

const day = 24 * 3600;

/** How long a link can be made for, in seconds. */
const spans = { never: null, day, week: 7 * day, month: 30 * day } as const;

/** The server's limit is 256 bytes: these are at most 255, three for each unit of UTF-16. */
const maxNoteLength = 85;

/** Asks what a new link shall be. It begins with the least that one can give. */
export function LinkForm({ onMake }: { readonly onMake: (wish: LinkWish) => Promise<void> }) {
  const [role, setRole] = useState<"reader" | "writer">("reader");
  const [span, setSpan] = useState<keyof typeof spans>("never");
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);

  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    if (busy) return; // a second press makes no second link
    setBusy(true);
    void onMake({ role, note: note.trim(), lasts: spans[span] }).finally(() => {
      setBusy(false);
    });
  }

  return (
    <form className={css.form} onSubmit={submit}>
      <Select
        label={t.linkRole}
        autoFocus
        value={role}
        options={{ reader: t.role.reader, writer: t.role.writer }}
        onChange={setRole}
      />
      <Select label={t.linkEnds} value={span} options={t.span} onChange={setSpan} />
      <div className={css.note}>
        <Field
          label={t.linkNote}
          placeholder={t.linkNotePlaceholder}
          value={note}
          onChange={(event) => {
            setNote(event.target.value);
          }}
          maxLength={maxNoteLength}
          autoComplete="off"
        />
      </div>
      <Button type="submit" look="main">
        {t.makeLink}
      </Button>
    </form>
  );
}
