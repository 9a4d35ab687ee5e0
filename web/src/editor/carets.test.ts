// @vitest-environment jsdom
import { Editor } from "@tiptap/core";
import { absolutePositionToRelativePosition, ySyncPluginKey } from "@tiptap/y-tiptap";
import { afterEach, expect, test } from "vitest";
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { isCursor } from "./cursor";
import { extensionsFor } from "./extensions";

let open: (() => void)[] = [];
afterEach(() => {
  for (const close of open) close();
  open = [];
});

function makeEditor(doc: Y.Doc): { editor: Editor; awareness: Awareness } {
  const awareness = new Awareness(doc);
  const editor = new Editor({ element: document.createElement("div"), extensions: extensionsFor({ doc, awareness }) });
  open.push(() => {
    editor.destroy();
    doc.destroy();
  });
  return { editor, awareness };
}

/** What any other client may have sent as its state. */
function hear(awareness: Awareness, clientId: number, state: Record<string, unknown>): void {
  const doc = new Y.Doc();
  doc.clientID = clientId;
  const other = new Awareness(doc);
  other.setLocalState(state);
  applyAwarenessUpdate(awareness, encodeAwarenessUpdate(other, [clientId]), "test");
  doc.destroy();
}

/** A true cursor at a position of the editor's text. */
function cursorAt(editor: Editor, position: number): Record<string, unknown> {
  const { type, binding } = ySyncPluginKey.getState(editor.state) as {
    type: Y.XmlFragment;
    binding: { mapping: never };
  };
  const at: unknown = absolutePositionToRelativePosition(position, type, binding.mapping);
  const json: unknown = JSON.parse(JSON.stringify(at));
  return { anchor: json, head: json };
}

const hostile: unknown[] = [
  7,
  {},
  { anchor: null, head: null },
  { anchor: {}, head: {} },
  { anchor: { item: { client: -1, clock: "x" } }, head: { item: 3 } },
  { anchor: { item: { client: 1e300, clock: 0 } }, head: { type: [] } },
  { anchor: { tname: 3 }, head: { tname: "default" } },
];

test.each(hostile)("%j is no cursor", (cursor) => {
  expect(isCursor(cursor)).toBe(false);
});

test("one client's nonsense doesn't take the others' carets away", async () => {
  const { editor, awareness } = makeEditor(new Y.Doc());
  editor.commands.insertContent("Hello");
  hostile.forEach((cursor, i) => {
    hear(awareness, 100 + i, { user: { name: "Mallory" }, cursor });
  });
  hear(awareness, 50, { user: { name: "Ben", color: "#0a7d5a" }, cursor: cursorAt(editor, 3) });
  hear(awareness, 51, { user: { name: { first: "x" }, color: "url(evil)" }, cursor: cursorAt(editor, 2) });
  hear(awareness, 52, { cursor: { anchor: { item: { client: 9, clock: 4e9 } }, head: { tname: "nowhere" } } });

  const labels = () => Array.from(editor.view.dom.querySelectorAll(".caret-label"), (label) => label.textContent).sort();
  await expect.poll(labels).toEqual(["Anonymous", "Ben"]);
  const ben = editor.view.dom.querySelectorAll<HTMLElement>(".caret");
  expect(Array.from(ben, (caret) => caret.style.getPropertyValue("--who"))).toContain("#0a7d5a");
  expect(editor.getText()).toBe("Hello");
});

test("two editors on one document show one text, and undo is each one's own", () => {
  const [docA, docB] = [new Y.Doc(), new Y.Doc()];
  docA.on("update", (update: Uint8Array) => {
    Y.applyUpdate(docB, update, "wire");
  });
  docB.on("update", (update: Uint8Array, origin: unknown) => {
    if (origin !== "wire") Y.applyUpdate(docA, update, "wire");
  });
  const [a, b] = [makeEditor(docA).editor, makeEditor(docB).editor];
  a.commands.insertContent("one ");
  b.commands.insertContentAt(b.state.doc.content.size - 1, "two");
  expect(a.getText()).toBe("one two");
  expect(b.getText()).toBe("one two");
  a.commands.undo();
  expect(a.getText()).toBe("two");
  expect(b.getText()).toBe("two");
});
