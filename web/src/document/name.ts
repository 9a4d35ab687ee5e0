/** What is wrong with a document's name, as a key of the messages. */
export type NameProblem = "empty" | "long" | "control" | "dots" | "broken";

/** The server's rule: 1 to 512 bytes of UTF-8, no control characters, no "." or ".." as a segment. */
export function nameProblem(name: string): NameProblem | null {
  if (name === "") return "empty";
  if (!name.isWellFormed()) return "broken";
  if (new TextEncoder().encode(name).length > 512) return "long";
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) return "control";
  if (name.split("/").some((part) => part === "." || part === "..")) return "dots";
  return null;
}

const prefix = "/d/";

/** The address of a document's page. Slashes stay readable, everything else is escaped. */
export function documentPath(name: string): string {
  return prefix + name.split("/").map(encodeURIComponent).join("/");
}

/** The name in an address, or null when it isn't a document's page. */
export function documentName(pathname: string): string | null {
  if (!pathname.startsWith(prefix)) return null;
  try {
    const name = decodeURIComponent(pathname.slice(prefix.length));
    return nameProblem(name) === null ? name : null;
  } catch {
    return null; // a "%" that begins no escape
  }
}
