/**
 * What is known of the way to the server. y-websocket's protocol never says that an edit is on the
 * disk, so there is no "saved" here: connected means that edits are on their way as they are typed.
 */
export type Connection =
  | { readonly kind: "connecting" }
  | { readonly kind: "connected" }
  | { readonly kind: "offline" }
  | { readonly kind: "refused"; readonly reason: string };

/** What can happen to it. */
export type ConnectionEvent =
  | { readonly kind: "trying" }
  | { readonly kind: "synced" }
  | { readonly kind: "lost" }
  | { readonly kind: "refused"; readonly reason: string };

/**
 * The connection after an event. Retries of a lost one stay "offline" until the document is synced
 * again, so that the word on the screen doesn't flicker twice a second.
 */
export function nextConnection(now: Connection, event: ConnectionEvent): Connection {
  switch (event.kind) {
    case "trying":
      return now.kind === "offline" ? now : { kind: "connecting" };
    case "synced":
      return { kind: "connected" };
    case "lost":
      return now.kind === "refused" ? now : { kind: "offline" };
    case "refused":
      return { kind: "refused", reason: event.reason };
  }
}
