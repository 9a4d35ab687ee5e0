import { t } from "../messages/t";
import { Problem, readProblem } from "./problem";

/** What a link can make of whoever has it; never an owner. */
const linkRoles = ["reader", "commenter", "writer"] as const;

export type LinkRole = (typeof linkRoles)[number];

/** A link as the server lists it. Its secret isn't there: that is told once, to its maker. */
export interface Link {
  readonly id: number;
  readonly role: LinkRole;
  readonly note: string;
  readonly created: Date;
  /** null is never. */
  readonly expires: Date | null;
}

/** A link that was just made, with the address that opens it. */
export interface MadeLink extends Link {
  readonly address: string;
}

/** What a link shall be. */
export interface LinkWish {
  readonly role: LinkRole;
  readonly note: string;
  /** How long it counts, in seconds; null is for ever. */
  readonly lasts: number | null;
}

const linksOf = (document: string) => `/api/v1/docs/${encodeURIComponent(document)}/shares`;

/** The document's links, the oldest first; null for one that doesn't exist, as nobody has written into it. */
export async function listLinks(document: string): Promise<Link[] | null> {
  try {
    return readLinks(await ask("GET", linksOf(document)));
  } catch (error) {
    if (error instanceof Problem && error.reason === "unknown") return null;
    throw error;
  }
}

/** Makes a link. */
export async function makeLink(document: string, { role, note, lasts }: LinkWish): Promise<MadeLink> {
  const wish = { role, note, ...(lasts !== null && { for: lasts }) };
  return readMadeLink(await ask("POST", linksOf(document), wish), window.location.origin);
}

/** Gives a link another role, and tells what it is then. */
export async function changeRole(document: string, id: number, role: LinkRole): Promise<Link> {
  return readLink(await ask("PATCH", `${linksOf(document)}/${id}`, { role }));
}

/** Ends a link, and the sessions of those who came by it. */
export async function revokeLink(document: string, id: number): Promise<void> {
  await ask("DELETE", `${linksOf(document)}/${id}`);
}

/** Reads the API's list. */
export function readLinks(said: unknown): Link[] {
  const { shares } = members(said);
  if (!Array.isArray(shares)) throw new Problem("", t.notUnderstood);
  return shares.map(readLink);
}

/** Reads a link as the API shows it. */
export function readLink(said: unknown): Link {
  const { id, role, note, created, expires } = members(said);
  const known = linkRoles.find((one) => one === role);
  const made = time(created);
  const ends = expires === undefined ? null : time(expires);
  if (typeof id !== "number" || known === undefined || typeof note !== "string" || made === undefined || ends === undefined) {
    throw new Problem("", t.notUnderstood);
  }
  return { id, role: known, note, created: made, expires: ends };
}

/** Reads the answer to a link's maker. The server says the path; `origin` is where this page reached it. */
export function readMadeLink(said: unknown, origin: string): MadeLink {
  const { url } = members(said);
  if (typeof url !== "string") throw new Problem("", t.notUnderstood);
  return { ...readLink(said), address: origin + url };
}

function members(said: unknown): Record<string, unknown> {
  return (typeof said === "object" && said !== null ? said : {}) as Record<string, unknown>;
}

/** A time as in RFC 3339; undefined for anything else. */
function time(said: unknown): Date | undefined {
  const date = new Date(typeof said === "string" ? said : NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** Asks the API, and gives its answer, or undefined where there is nothing to say. Throws a Problem. */
async function ask(method: string, path: string, body?: object): Promise<unknown> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      ...(body !== undefined && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    });
  } catch {
    throw new Problem("", t.noAnswer);
  }
  if (answer.status === 204) return undefined;
  const said: unknown = await answer.json().catch(() => undefined);
  if (!answer.ok) throw readProblem(said);
  return said;
}
