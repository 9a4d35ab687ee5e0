import { useId } from "react";
import { inkOn } from "../identity/colours";
import { t } from "../messages/t";
import type { Person } from "../session/presence";
import { Avatar } from "../ui/Avatar";
import css from "./Faces.module.css";

/** Faces beyond these become a number. */
const shown = 3;

/** Who is here: a few faces in the bar, and everyone by name in a list that opens below it. */
export function Faces({ people }: { readonly people: readonly Person[] }) {
  const list = useId();
  if (people.length === 0) return null;
  const more = people.length - shown;
  return (
    <div>
      <button type="button" className={css.button} popoverTarget={list}>
        <span className="visually-hidden">{t.peopleHere(people.length)}</span>
        {people.slice(0, shown).map((person) => (
          <span key={person.clientId} className={css.face} title={fullName(person)}>
            <Face person={person} />
          </span>
        ))}
        {more > 0 && <span className={css.more} aria-hidden="true">{`+${more}`}</span>}
      </button>
      <div id={list} popover="auto" className={css.list}>
        <h2 className={css.heading}>{t.peopleHere(people.length)}</h2>
        <ul className={css.people}>
          {people.map((person) => (
            <li key={person.clientId} className={css.person}>
              <Face person={person} />
              <span className={css.name}>{shownName(person)}</span>
              {person.self && <span className={css.you}>{t.you}</span>}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

function Face({ person }: { readonly person: Person }) {
  return <Avatar name={person.name} color={person.color} ink={inkOn(person.color)} />;
}

function shownName(person: Person): string {
  return person.name === "" ? t.anonymous : person.name;
}

function fullName(person: Person): string {
  return person.self ? `${shownName(person)} (${t.you})` : shownName(person);
}
