import { Check, type LucideIcon } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import type { ReactElement, ReactNode } from "react";
import css from "./Menu.module.css";

interface MenuProps {
  /** The button that opens it. */
  readonly trigger: ReactElement;
  readonly align?: "start" | "center" | "end";
  readonly children: ReactNode;
}

/** What a button offers, one below the other. The page behind it stays in use: a press elsewhere closes it. */
export function Menu({ trigger, align = "end", children }: MenuProps) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content className={css.menu} align={align} sideOffset={4} collisionPadding={8}>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface ItemProps {
  readonly icon?: LucideIcon;
  /** The keys that do the same, in words. */
  readonly keys?: string | undefined;
  /** Set for what takes something away. */
  readonly danger?: boolean;
  readonly disabled?: boolean;
  readonly onSelect: () => void;
  readonly children: ReactNode;
}

export function MenuItem({ icon: Icon, keys, danger = false, disabled = false, onSelect, children }: ItemProps) {
  return (
    <Radix.Item className={css.item} data-danger={danger ? "" : undefined} disabled={disabled} onSelect={onSelect}>
      {Icon !== undefined && <Icon size={16} aria-hidden="true" />}
      <span className={css.words}>{children}</span>
      {keys !== undefined && <kbd className={css.keys}>{keys}</kbd>}
    </Radix.Item>
  );
}

interface ChoiceProps<Key extends string> {
  readonly label: string;
  readonly value: NoInfer<Key>;
  /** What can be chosen, in words. */
  readonly options: Readonly<Record<Key, string>>;
  readonly onChange: (value: Key) => void;
}

/** One of a few, with a tick at the one that counts. */
export function MenuChoiceGroup<Key extends string>({ label, value, options, onChange }: ChoiceProps<Key>) {
  return (
    <Radix.RadioGroup
      aria-label={label}
      value={value}
      onValueChange={(next) => {
        onChange(next as Key);
      }}
    >
      <Radix.Label className={css.label}>{label}</Radix.Label>
      {Object.entries<string>(options).map(([key, words]) => (
        <Radix.RadioItem key={key} className={css.item} value={key}>
          <span className={css.tick}>
            <Radix.ItemIndicator>
              <Check size={16} aria-hidden="true" />
            </Radix.ItemIndicator>
          </span>
          <span className={css.words}>{words}</span>
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  );
}

export function MenuSeparator() {
  return <Radix.Separator className={css.separator} />;
}
