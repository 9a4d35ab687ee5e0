import { useState, type SubmitEvent } from "react";
import { nameProblem } from "../document/name";
import { t } from "../messages/t";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { colours } from "./colours";
import { cleanName, maxNameLength, suggestColour, type Identity } from "./identity";
import css from "./JoinCard.module.css";

interface Props {
  readonly identity: Identity | null;
  /** The document to join; when there is none, the card asks for it. */
  readonly document?: string;
  readonly onJoin: (identity: Identity, document: string) => void;
}

/** Asks who writes, and in which document. */
export function JoinCard({ identity, document, onJoin }: Props) {
  const [name, setName] = useState(identity?.name ?? "");
  const [color, setColor] = useState(() => identity?.color ?? suggestColour());
  const [chosen, setChosen] = useState("");
  const [sent, setSent] = useState(false);

  const person = cleanName(name);
  const target = document ?? chosen.trim();
  const problem = nameProblem(target);

  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    setSent(true);
    if (person === "") {
      focusOn(event.currentTarget, "person");
    } else if (problem !== null) {
      focusOn(event.currentTarget, "document");
    } else {
      onJoin({ name: person, color }, target);
    }
  }

  return (
    <form className={css.card} onSubmit={submit} noValidate>
      <Field
        label={t.yourName}
        name="person"
        value={name}
        onChange={(event) => {
          setName(event.target.value);
        }}
        problem={sent && person === "" ? t.nameMissing : undefined}
        placeholder={t.namePlaceholder}
        maxLength={maxNameLength}
        autoComplete="nickname"
        autoFocus={identity === null}
        required
      />
      <fieldset className={css.colours}>
        <legend className={css.legend}>{t.yourColour}</legend>
        {withOwn(color).map((colour) => (
          <label key={colour.value} className={css.colour} title={colour.name}>
            <input
              className="visually-hidden"
              type="radio"
              name="colour"
              value={colour.value}
              checked={color === colour.value}
              onChange={() => {
                setColor(colour.value);
              }}
            />
            <span className={css.dot} style={{ background: colour.value }} aria-hidden="true" />
            <span className="visually-hidden">{colour.name}</span>
          </label>
        ))}
      </fieldset>
      {document === undefined && (
        <Field
          label={t.documentName}
          name="document"
          value={chosen}
          onChange={(event) => {
            setChosen(event.target.value);
          }}
          problem={sent && problem !== null ? t.nameProblem[problem] : undefined}
          hint={t.documentHint}
          placeholder={t.documentPlaceholder}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          autoFocus={identity !== null}
          required
        />
      )}
      <Button type="submit" look="main">
        {document === undefined ? t.join : t.joinDocument(document)}
      </Button>
      <p className={css.note}>{t.keptHere}</p>
    </form>
  );
}

/** The six colours, and this device's own when an older page kept another. */
function withOwn(color: string): readonly { value: string; name: string }[] {
  return colours.some((c) => c.value === color) ? colours : [...colours, { value: color, name: color }];
}

function focusOn(form: HTMLFormElement, field: string) {
  const input = form.elements.namedItem(field);
  if (input instanceof HTMLElement) input.focus();
}
