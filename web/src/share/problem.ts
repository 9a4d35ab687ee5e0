import { t } from "../messages/t";

/** Why the server didn't do what it was asked; its message is a sentence for people. */
export class Problem extends Error {
  /** `reason` is the server's name for it, "" when no answer came or it can't be read. */
  constructor(
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

/** Reads a problem document (RFC 9457) as the API gives them. */
export function readProblem(said: unknown): Problem {
  const { reason, detail } = (typeof said === "object" && said !== null ? said : {}) as Record<string, unknown>;
  if (typeof reason !== "string" || typeof detail !== "string") return new Problem("", t.notUnderstood);
  return new Problem(reason, t.serverSays(detail));
}
