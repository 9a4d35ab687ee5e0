import type { Extensions } from "@tiptap/core";
import Collaboration from "@tiptap/extension-collaboration";
import { Placeholder } from "@tiptap/extensions";
import StarterKit from "@tiptap/starter-kit";
import { t } from "../messages/t";
import type { OpenDocument } from "../session/state";
import { Carets } from "./carets";

/**
 * The root of the text in the Y.Doc. Tiptap's default, so that other Tiptap editors find the same
 * text without being told.
 */
export const textField = "default";

/** What the editor can do. Undo is Collaboration's: it undoes one's own edits and no one else's. */
export function extensionsFor({ doc, awareness }: OpenDocument): Extensions {
  return [
    StarterKit.configure({ undoRedo: false }),
    Collaboration.configure({ document: doc, field: textField }),
    Carets.configure({ awareness }),
    Placeholder.configure({ placeholder: t.editorPlaceholder }),
  ];
}
