import type { Awareness } from "y-protocols/awareness";
import type { Doc } from "yjs";
import type { Connection } from "./connection";
import type { Person } from "./presence";

/** What an editor needs: there is none before the document has come. */
export interface OpenDocument {
  readonly doc: Doc;
  readonly awareness: Awareness;
}

/** What the page shows. Immutable; a new one for each change. */
export interface SessionState {
  readonly connection: Connection;
  /** The server takes no edits of this client's. */
  readonly readOnly: boolean;
  readonly document: OpenDocument | null;
  readonly people: readonly Person[];
}
