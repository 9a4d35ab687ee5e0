import { EditorContent, useEditor } from "@tiptap/react";
import { useMemo } from "react";
import { t } from "../messages/t";
import type { OpenDocument } from "../session/state";
import "../styles/prose.css";
import { extensionsFor } from "./extensions";

interface Props {
  readonly document: OpenDocument;
  readonly name: string;
  readonly editable: boolean;
}

/** The text, with everyone's carets in it. */
export function Editor({ document, name, editable }: Props) {
  const extensions = useMemo(() => extensionsFor(document), [document]);
  const editor = useEditor(
    {
      extensions,
      editable,
      autofocus: "start",
      injectCSS: false, // prose.css has it, so that no style is made at run time
      editorProps: {
        attributes: { class: "prose", role: "textbox", "aria-multiline": "true", "aria-label": t.editorLabel(name) },
      },
    },
    [document],
  );
  return <EditorContent editor={editor} />;
}
