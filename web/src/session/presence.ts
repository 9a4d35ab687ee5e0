import { colourFor, isColour } from "../identity/colours";
import { cleanName } from "../identity/identity";

/** One client in the document, as the others see it. */
export interface Person {
  readonly clientId: number;
  readonly name: string;
  readonly color: string;
  readonly self: boolean;
}

/**
 * The `user` of an awareness state. States come from other people's programs and may hold anything;
 * what can't be used is replaced.
 */
export function readUser(user: unknown, clientId: number): { name: string; color: string } {
  const { name, color } = (typeof user === "object" && user !== null ? user : {}) as Record<string, unknown>;
  return {
    name: typeof name === "string" ? cleanName(name) : "",
    color: isColour(color) ? color.toLowerCase() : colourFor(clientId),
  };
}

/** Who is here: this client first, then the others by name. */
export function peopleIn(states: ReadonlyMap<number, unknown>, self: number): Person[] {
  const people: Person[] = [];
  for (const [clientId, state] of states) {
    if (typeof state !== "object" || state === null || !("user" in state)) continue; // takes no part
    people.push({ clientId, self: clientId === self, ...readUser(state.user, clientId) });
  }
  return people.sort(
    (a, b) => Number(b.self) - Number(a.self) || a.name.localeCompare(b.name) || a.clientId - b.clientId,
  );
}

/** True when two lists show the same, so that carets moving don't draw the list again. */
export function samePeople(a: readonly Person[], b: readonly Person[]): boolean {
  return (
    a.length === b.length &&
    a.every((p, i) => {
      const q = b[i];
      return p.clientId === q?.clientId && p.name === q.name && p.color === q.color;
    })
  );
}
