/** True for an ID of Yjs in JSON, or for none. */
function isOptionalId(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (typeof value !== "object") return false;
  const { client, clock } = value as Record<string, unknown>;
  return Number.isSafeInteger(client) && Number.isSafeInteger(clock) && Number(client) >= 0 && Number(clock) >= 0;
}

function isRelativePosition(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { type, tname, item, assoc } = value as Record<string, unknown>;
  return (
    isOptionalId(type) &&
    isOptionalId(item) &&
    (tname === null || tname === undefined || typeof tname === "string") &&
    (assoc === undefined || typeof assoc === "number") &&
    (typeof tname === "string" || (type ?? item ?? null) !== null)
  );
}

/**
 * True for a cursor that Yjs can place. Any client may send any JSON as its cursor, and Yjs throws
 * at what it can't read, which would take the carets of all others along.
 */
export function isCursor(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { anchor, head } = value as Record<string, unknown>;
  return isRelativePosition(anchor) && isRelativePosition(head);
}
