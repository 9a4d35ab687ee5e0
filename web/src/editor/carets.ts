import { Extension } from "@tiptap/core";
import { Plugin, PluginKey } from "@tiptap/pm/state";
import { yCursorPlugin } from "@tiptap/y-tiptap";
import type { Awareness } from "y-protocols/awareness";
import { inkOn } from "../identity/colours";
import { t } from "../messages/t";
import { readUser } from "../session/presence";
import { isCursor } from "./cursor";

interface Options {
  awareness: Awareness;
}

/**
 * The others' carets and selections. A caret's name shows when it moves and fades by itself
 * (prose.css). Tiptap's own caret extension would do but for two things: it doesn't say whose
 * caret it draws, which the fading needs, and it lets through cursors that Yjs throws at.
 */
export const Carets = Extension.create<Options>({
  name: "carets",
  priority: 999, // after Collaboration, whose state the carets are placed by

  addOptions() {
    return { awareness: undefined as unknown as Awareness }; // configure() gives it
  },

  addProseMirrorPlugins() {
    const { awareness } = this.options;
    const labels = new Map<number, HTMLElement>();

    const carets = yCursorPlugin(awareness, {
      awarenessStateFilter: (self: number, clientId: number, state: { cursor?: unknown } | null) =>
        clientId !== self && isCursor(state?.cursor),
      cursorBuilder: (user: unknown, clientId: number) => {
        const [caret, label] = drawCaret(readUser(user, clientId));
        labels.set(clientId, label);
        return caret;
      },
      selectionBuilder: (user: unknown, clientId: number) => ({
        class: "selection",
        style: `--who: ${readUser(user, clientId).color}`,
      }),
    }) as Plugin;

    const moved = ({ updated, removed }: { updated: number[]; removed: number[] }) => {
      for (const clientId of updated) showAgain(labels.get(clientId));
      for (const clientId of removed) labels.delete(clientId);
    };
    const names = new Plugin({
      key: new PluginKey("caretNames"),
      view: () => {
        awareness.on("change", moved);
        return {
          destroy: () => {
            awareness.off("change", moved);
          },
        };
      },
    });
    return [carets, names];
  },
});

function drawCaret({ name, color }: { name: string; color: string }): [caret: HTMLElement, label: HTMLElement] {
  const label = document.createElement("span");
  label.className = "caret-label";
  label.textContent = name === "" ? t.anonymous : name;
  const caret = document.createElement("span");
  caret.className = "caret";
  // Readers hear the text without names in the middle of words; the list of people has them.
  caret.setAttribute("aria-hidden", "true");
  caret.style.setProperty("--who", color);
  caret.style.setProperty("--on-who", inkOn(color));
  // Word joiners keep the caret on the line of its neighbours.
  caret.append("\u2060", label, "\u2060");
  return [caret, label];
}

function showAgain(label: HTMLElement | undefined): void {
  for (const animation of label?.getAnimations() ?? []) {
    animation.cancel();
    animation.play();
  }
}
