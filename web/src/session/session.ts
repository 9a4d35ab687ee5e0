import { readVarString, readVarUint, type Decoder } from "lib0/decoding";
import { Awareness } from "y-protocols/awareness";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import type { Identity } from "../identity/identity";
import { nextConnection, type ConnectionEvent } from "./connection";
import { peopleIn, samePeople } from "./presence";
import type { SessionState } from "./state";

/** The longest pause between tries to connect, in milliseconds: back within 3 s of the server. */
const longestPause = 2_000;

const closed: SessionState = { connection: { kind: "connecting" }, readOnly: false, document: null, people: [] };

/** The message by which the server tells of access, and its kinds: a reason, or a scope, is behind. */
const auth = { message: 2, denied: 0, scope: 2 };

/**
 * One person in one document, over y-websocket's protocol. It connects between open and close,
 * comes back by itself after a lost connection, and tells its listeners what changed.
 */
export class Session {
  private state = closed;
  private readonly listeners = new Set<() => void>();
  private edited = false;

  /** `server` is the WebSocket address that names are put behind, such as "ws://host/yjs". */
  constructor(
    private readonly server: string,
    private readonly name: string,
    private readonly identity: Identity,
  ) {}

  /** The present state; the same object until something changes. */
  readonly getState = (): SessionState => this.state;

  /** Calls the listener after each change, until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** True while this page alone may hold edits: they were made, and the connection is gone. */
  readonly mayLoseEdits = (): boolean => this.edited && this.state.connection.kind !== "connected";

  /** Connects. The returned function leaves the document and frees all that was opened. */
  open(): () => void {
    const doc = new Y.Doc();
    const awareness = new Awareness(doc);
    awareness.setLocalStateField("user", { name: this.identity.name, color: this.identity.color });

    const provider = new WebsocketProvider(this.server, encodeURIComponent(this.name), doc, {
      awareness,
      connect: false,
      params: { scope: "" }, // asks the server to tell whether this client may write
      maxBackoffTime: longestPause,
      // Tabs of one browser would also talk behind the server's back, and drop each other's
      // presence when one of them loses its socket. The server is the one way.
      disableBc: true,
    });

    let scope = ""; // the server tells of "readonly" first of all, and of every change
    const happened = (event: ConnectionEvent) => {
      this.update({ connection: nextConnection(this.state.connection, event) });
    };
    provider.on("status", ({ status }) => {
      if (status !== "connecting") return;
      scope = "";
      happened({ kind: "trying" });
    });
    provider.on("connection-close", () => {
      happened({ kind: "lost" });
    });
    provider.on("closed", ({ reason }) => {
      happened({ kind: "refused", reason });
    });
    // The array is this provider's own. Its handler would write to the console, and the socket go on
    // for some seconds, in which nothing is taken any more.
    provider.messageHandlers[auth.message] = (_encoder: unknown, decoder: Decoder) => {
      const kind = readVarUint(decoder);
      if (kind === auth.denied) {
        happened({ kind: "refused", reason: readVarString(decoder) });
        provider.disconnect();
      } else if (kind === auth.scope) {
        scope = readVarString(decoder);
        if (provider.synced) this.update({ readOnly: scope === "readonly" });
      }
    };
    provider.on("sync", (synced) => {
      if (!synced) return;
      this.edited = false; // the sync sent what the server lacked
      this.update({
        readOnly: scope === "readonly",
        connection: nextConnection(this.state.connection, { kind: "synced" }),
        document: this.state.document ?? { doc, awareness },
      });
    });

    doc.on("update", (_update: Uint8Array, origin: unknown) => {
      if (origin !== provider) this.edited = true;
    });
    const showPeople = () => {
      const people = peopleIn(awareness.getStates(), doc.clientID);
      if (!samePeople(people, this.state.people)) this.update({ people });
    };
    awareness.on("change", showPeople);
    showPeople();

    provider.connect();
    return () => {
      awareness.off("change", showPeople);
      provider.destroy();
      doc.destroy(); // ends the awareness too
      this.edited = false;
      this.update(closed);
    };
  }

  private update(change: Partial<SessionState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }
}

/** The address of y-websocket documents on the server that sent this page. */
export function serverAddress(location: { protocol: string; host: string }): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/yjs`;
}
