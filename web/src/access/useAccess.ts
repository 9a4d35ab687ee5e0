import { useEffect, useState } from "react";
import { accessTo, present, RefusedError, type Access } from "./access";
import { takeGrant } from "./grant";

/** What is known of this browser's access to a document. */
export type Admission =
  | { readonly kind: "asking" }
  | { readonly kind: "admitted"; readonly access: Access }
  /** The reason is the server's, or "" if it has none but that nothing was granted. */
  | { readonly kind: "refused"; readonly reason: string };

const asking: Admission = { kind: "asking" };

/** How long the server may be away before the page goes on without its answer, in milliseconds. */
const patience = 3_000;

/** Without an answer the page opens: the socket then tells what the server thinks. */
const unknown: Admission = { kind: "admitted", access: { admitted: true, mayShare: false, name: "", color: "" } };

/** The grant that was handed over last, and what the server has against it. */
let presented: Promise<unknown> = Promise.resolve(null);

/** Hands the address's grant to the server, if it has one; reports whether it has. */
export function presentGrant(): boolean {
  const token = takeGrant();
  if (token === null) return false;
  presented = present(token).then(
    () => null,
    (error: unknown) => error,
  );
  return true;
}

/** Asks whether this browser may open a document, by what it was granted now or before. */
async function admissionTo(document: string): Promise<Admission> {
  const problem = await presented;
  try {
    const access = await accessTo(document);
    if (access.admitted) return { kind: "admitted", access };
    return { kind: "refused", reason: problem instanceof RefusedError ? problem.message : "" };
  } catch (error) {
    return error instanceof RefusedError ? { kind: "refused", reason: error.message } : unknown;
  }
}

/** This browser's access to a document; null asks nothing. */
export function useAccess(document: string | null): Admission {
  // Who has the page open and follows a link to the same document only changes the fragment.
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const look = () => {
      if (presentGrant()) setTurn((now) => now + 1);
    };
    window.addEventListener("hashchange", look);
    return () => {
      window.removeEventListener("hashchange", look);
    };
  }, []);

  const question = document === null ? null : `${turn} ${document}`;
  const [answer, setAnswer] = useState<{ question: string | null; admission: Admission }>({ question, admission: asking });
  useEffect(() => {
    if (document === null) return;
    let current = true;
    const tell = (admission: Admission) => {
      if (current) setAnswer({ question, admission });
      current = false;
    };
    const timer = setTimeout(tell, patience, unknown);
    void admissionTo(document).then(tell);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [document, question]);
  return answer.question === question ? answer.admission : asking;
}
