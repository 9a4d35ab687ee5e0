import { expect, test } from "vitest";
import { nextConnection, type Connection, type ConnectionEvent } from "./connection";

const refused: ConnectionEvent = { kind: "refused", reason: "not allowed" };

function after(...events: (ConnectionEvent["kind"] | ConnectionEvent)[]): Connection {
  return events.reduce<Connection>(
    (now, event) => nextConnection(now, typeof event === "string" ? ({ kind: event } as ConnectionEvent) : event),
    { kind: "connecting" },
  );
}

test("a connection is only called connected once the document is synced", () => {
  expect(after("trying").kind).toBe("connecting");
  expect(after("trying", "synced").kind).toBe("connected");
});

test("while it is tried again, a lost connection stays offline", () => {
  expect(after("trying", "synced", "lost", "trying", "lost", "trying").kind).toBe("offline");
  expect(after("trying", "synced", "lost", "trying", "synced").kind).toBe("connected");
  expect(after("trying", "lost", "trying").kind).toBe("offline");
});

test("a refusal keeps its reason, whatever order the close is told in", () => {
  expect(after("trying", "lost", refused)).toEqual(refused);
  expect(after("trying", refused, "lost")).toEqual(refused);
});
