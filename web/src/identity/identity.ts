import { colourFor, isColour } from "./colours";

/** Who writes: shown beside the caret and in the list of people. */
export interface Identity {
  readonly name: string;
  readonly color: string;
}

/** Longer names are cut, in characters. */
export const maxNameLength = 60;

const key = "inkwire.identity";

/** Opens the device's storage. A browser may refuse it, by throwing at this or any later step. */
export type OpenStore = () => Pick<Storage, "getItem" | "setItem">;

/** A name without space around it or control characters, and not too long. */
export function cleanName(raw: string): string {
  // eslint-disable-next-line no-control-regex -- they are what is removed
  const flat = raw.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").replace(/\s+/g, " ").trim();
  return Array.from(flat).slice(0, maxNameLength).join("").trim();
}

/** The identity kept on this device, or null when there is none that can be used. */
export function loadIdentity(open: OpenStore): Identity | null {
  try {
    const kept: unknown = JSON.parse(open().getItem(key) ?? "null");
    if (typeof kept !== "object" || kept === null) return null;
    const { name, color } = kept as Record<string, unknown>;
    if (typeof name !== "string" || !isColour(color)) return null;
    const clean = cleanName(name);
    return clean === "" ? null : { name: clean, color };
  } catch {
    return null; // storage is closed to this page, or holds something else
  }
}

/** Keeps the identity on this device. Where storage is refused, it lives as long as the page. */
export function saveIdentity(open: OpenStore, identity: Identity): void {
  try {
    open().setItem(key, JSON.stringify(identity));
  } catch {
    // Private windows and full disks refuse; joining works all the same.
  }
}

/**
 * The identity of somebody whom the server may know: others see its name of them, whatever is kept
 * on this device. Null for a stranger who hasn't said anything yet.
 */
export function knownIdentity(known: Identity, own: Identity | null): Identity | null {
  const name = cleanName(known.name);
  if (name === "") return own;
  const color = isColour(known.color) ? known.color : (own?.color ?? colourFor(name.length));
  return { name, color };
}

/** A colour for somebody new. */
export function suggestColour(): string {
  return colourFor(Math.floor(Math.random() * 6));
}
