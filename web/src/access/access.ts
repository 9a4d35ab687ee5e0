/** What this browser may do in a document, and who it is if the server knows. */
export interface Access {
  /** False for who may not even read it. */
  readonly admitted: boolean;
  /** Whether it may make links, and revoke them. */
  readonly mayShare: boolean;
  /** What the server shows others, whatever the page says; or "". */
  readonly name: string;
  readonly color: string;
}

/** Where the server keeps what this browser was granted. */
const session = "/api/v1/session";

/** The server's refusal, in its words. */
export class RefusedError extends Error {}

/**
 * Hands a token or a share link to the server, which remembers it for this browser by a cookie that
 * no script can read. Throws a RefusedError if it isn't valid.
 */
export async function present(token: string): Promise<void> {
  const answer = await fetch(session, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  if (!answer.ok) throw new RefusedError(await reasonOf(answer));
}

/** Asks what this browser may do in a document. */
export async function accessTo(document: string): Promise<Access> {
  const answer = await fetch(`${session}?doc=${encodeURIComponent(document)}`);
  if (!answer.ok) throw new RefusedError(await reasonOf(answer));
  return readAccess(await answer.json());
}

/** What an answer says; of what can't be read, the least. */
export function readAccess(said: unknown): Access {
  const { role, name, color } = (typeof said === "object" && said !== null ? said : {}) as Record<string, unknown>;
  return {
    admitted: typeof role === "string" && role !== "none",
    mayShare: role === "owner",
    name: textOf(name),
    color: textOf(color),
  };
}

/** The sentence of a problem document (RFC 9457), or "" if there is none. */
async function reasonOf(answer: Response): Promise<string> {
  try {
    const problem: unknown = await answer.json();
    const { detail } = (typeof problem === "object" && problem !== null ? problem : {}) as Record<string, unknown>;
    return textOf(detail);
  } catch {
    return "";
  }
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
