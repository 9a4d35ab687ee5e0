import { Tabs as Radix } from "radix-ui";
import type { ReactNode } from "react";
import css from "./Tabs.module.css";

interface Props<Key extends string> {
  readonly label: string;
  readonly value: Key;
  /** The tabs in words, and what each shows. */
  readonly tabs: readonly { readonly key: Key; readonly label: string; readonly content: ReactNode }[];
  readonly onChange: (value: Key) => void;
}

/** Several views in one place. */
export function Tabs<Key extends string>({ label, value, tabs, onChange }: Props<Key>) {
  return (
    <Radix.Root
      value={value}
      onValueChange={(next) => {
        onChange(next as Key);
      }}
    >
      <Radix.List className={css.list} aria-label={label}>
        {tabs.map((tab) => (
          <Radix.Trigger key={tab.key} className={css.tab} value={tab.key}>
            {tab.label}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {tabs.map((tab) => (
        <Radix.Content key={tab.key} className={css.content} value={tab.key}>
          {tab.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
}
