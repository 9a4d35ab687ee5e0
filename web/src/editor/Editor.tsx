import { EditorContent, useEditor } from "@tiptap/react";
import { useEffect, useMemo } from "react";
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
  const manner = useMemo(
    () => ({
      editable,
      editorProps: {
        attributes: {
          class: "prose",
          role: "textbox",
          "aria-multiline": "true",
          "aria-readonly": String(!editable),
          "aria-label": t.editorLabel(name),
        },
      },
    }),
    [editable, name],
  );
  const editor = useEditor(
    {
      ...manner,
      extensions,
      autofocus: "start",
      injectCSS: false, // prose.css has it, so that no style is made at run time
    },
    [document],
  );
  // useEditor takes other options for another document only.
  useEffect(() => {
    editor.setOptions(manner);
  }, [editor, manner]);
  return <EditorContent editor={editor} />;
}
