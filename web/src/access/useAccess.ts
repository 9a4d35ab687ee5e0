import { useEffect, useState } from "react";
import { accessTo, present, RefusedError, type Access } from "./access";

/** What is known of this browser's access to a document. */
export type Admission =
  | { readonly kind: "asking" }
  | { readonly kind: "known"; readonly access: Access }
  | { readonly kind: "refused"; readonly reason: string };

const asking: Admission = { kind: "asking" };

/** How long the server may be away before the page goes on without its answer, in milliseconds. */
const patience = 3_000;

/** Without an answer the page opens as for a writer: the socket then tells what the server thinks. */
const unknown: Admission = { kind: "known", access: { role: "writer", name: "" } };

let presented: Promise<void> = Promise.resolve();

/** Begins to hand a grant to the server; useAccess waits for it. It is called once, at the start. */
export function begin(token: string | null): void {
  if (token === null) return;
  presented = present(token);
  presented.catch(() => undefined); // useAccess tells
}

/** This browser's access to a document; null asks nothing. */
export function useAccess(document: string | null): Admission {
  const [answer, setAnswer] = useState<{ document: string | null; admission: Admission }>({ document, admission: asking });
  useEffect(() => {
    if (document === null) return;
    let current = true;
    const tell = (admission: Admission) => {
      if (current) setAnswer({ document, admission });
      current = false;
    };
    const timer = setTimeout(() => {
      tell(unknown);
    }, patience);
    presented
      .then(() => accessTo(document))
      .then(
        (access) => {
          tell({ kind: "known", access });
        },
        (error: unknown) => {
          tell(error instanceof RefusedError ? { kind: "refused", reason: error.message } : unknown);
        },
      );
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [document]);
  return answer.document === document ? answer.admission : asking;
}
