import { useEffect, useState } from "react";
import { t } from "../messages/t";
import { changeRole, listLinks, makeLink, revokeLink, type Link, type LinkRole, type LinkWish, type MadeLink } from "./links";
import { Problem } from "./problem";

/** What is known of a document's links. */
export type Known =
  | { readonly kind: "asking" }
  | { readonly kind: "unborn" } // nobody has written into the document, so there is none
  | { readonly kind: "listed"; readonly links: readonly Link[] }
  | { readonly kind: "failed" };

/** A document's links, what can be done with them, and how it went. */
export interface Links {
  readonly known: Known;
  /** What was done last, in words. */
  readonly done: string;
  /** What went wrong last, in words; "" when nothing did. */
  readonly problem: string;
  /** Gives the link, or null if it wasn't made. */
  readonly make: (wish: LinkWish) => Promise<MadeLink | null>;
  readonly setRole: (link: Link, role: LinkRole) => Promise<void>;
  readonly revoke: (link: Link) => Promise<void>;
  /** Says what was done elsewhere. */
  readonly say: (done: string) => void;
}

/** The links of one document, for as long as the component is shown. */
export function useLinks(document: string): Links {
  const [known, setKnown] = useState<Known>({ kind: "asking" });
  const [done, setDone] = useState("");
  const [problem, setProblem] = useState("");

  useEffect(() => {
    let current = true;
    listLinks(document).then(
      (links) => {
        if (current) setKnown(links === null ? { kind: "unborn" } : { kind: "listed", links });
      },
      (error: unknown) => {
        if (!current) return;
        setKnown({ kind: "failed" });
        setProblem(sentence(error));
      },
    );
    return () => {
      current = false;
    };
  }, [document]);

  const change = (edit: (links: readonly Link[]) => readonly Link[]) => {
    setKnown((now) => (now.kind === "listed" ? { kind: "listed", links: edit(now.links) } : now));
  };
  const replace = (link: Link) => {
    change((links) => links.map((other) => (other.id === link.id ? link : other)));
  };

  /** Does something and says so, or why not. */
  async function attempt<T>(work: () => Promise<T>, said: string): Promise<T | null> {
    setProblem("");
    setDone("");
    try {
      const result = await work();
      setDone(said);
      return result;
    } catch (error) {
      setProblem(sentence(error));
      return null;
    }
  }

  return {
    known,
    done,
    problem,
    make: async (wish) => {
      const made = await attempt(() => makeLink(document, wish), t.linkMade);
      if (made !== null) change((links) => [...links, made]);
      return made;
    },
    setRole: async (link, role) => {
      replace({ ...link, role }); // at once: a choice that jumps back and forth looks refused
      const changed = await attempt(() => changeRole(document, link.id, role), t.roleChanged(link, role));
      replace(changed ?? link);
    },
    revoke: async (link) => {
      const work = async () => {
        await revokeLink(document, link.id);
        change((links) => links.filter((other) => other.id !== link.id));
      };
      await attempt(work, t.linkRevoked(link));
    },
    say: (words) => {
      setProblem("");
      setDone(words);
    },
  };
}

function sentence(error: unknown): string {
  return error instanceof Problem ? error.message : t.notUnderstood;
}
