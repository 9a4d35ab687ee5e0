import { useRef, useState } from "react";
import { t } from "../messages/t";
import { Button } from "../ui/Button";
import { Select } from "../ui/Select";
import css from "./LinkList.module.css";
import type { Link, LinkRole } from "./links";

interface Props {
  readonly links: readonly Link[];
  readonly onRole: (link: Link, role: LinkRole) => Promise<void>;
  readonly onRevoke: (link: Link) => Promise<void>;
}

/** The links of a document, the newest first, each with its role and an end to it. */
export function LinkList({ links, onRole, onRevoke }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  const [now] = useState(() => Date.now()); // it is opened for moments
  return (
    <section className={css.links}>
      <h3 ref={heading} tabIndex={-1} className={css.heading}>
        {t.linksHere(links.length)}
      </h3>
      <ul className={css.list}>
        {links.toReversed().map((link) => (
          <li key={link.id} className={css.link}>
            <div className={css.what}>
              <p className={css.name}>{t.linkName(link)}</p>
              <p className={css.times}>
                {t.madeOn(day.format(link.created))} · <End expires={link.expires} now={now} />
              </p>
            </div>
            <Select
              label={t.roleOf(link)}
              hideLabel
              value={link.role}
              options={rolesFor(link)}
              onChange={(role) => void onRole(link, role)}
            />
            <Button
              look="outline"
              aria-label={t.revokeThis(link)}
              onClick={() => {
                heading.current?.focus(); // the button goes with the link
                void onRevoke(link);
              }}
            >
              {t.revoke}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const minute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function End({ expires, now }: { readonly expires: Date | null; readonly now: number }) {
  if (expires === null) return t.neverEnds;
  const when = minute.format(expires);
  return expires.getTime() > now ? t.endsOn(when) : <span className={css.over}>{t.endedOn(when)}</span>;
}

/** A commenter can't do more than a reader yet, so it is a choice only where somebody has made it. */
function rolesFor({ role }: Link): Partial<Record<LinkRole, string>> {
  const { reader, commenter, writer } = t.role;
  return role === "commenter" ? { reader, commenter, writer } : { reader, writer };
}
