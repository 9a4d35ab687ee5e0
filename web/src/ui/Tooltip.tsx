import { Tooltip as Radix } from "radix-ui";
import type { ReactElement } from "react";
import css from "./Tooltip.module.css";

interface Props {
  readonly label: string;
  /** One element that can have the focus. */
  readonly children: ReactElement;
}

/** Says what an element is, when the pointer rests on it or it has the focus. */
export function Tooltip({ label, children }: Props) {
  return (
    <Radix.Provider delayDuration={500}>
      <Radix.Root>
        <Radix.Trigger asChild>{children}</Radix.Trigger>
        <Radix.Portal>
          <Radix.Content className={css.tooltip} sideOffset={6} collisionPadding={8}>
            {label}
          </Radix.Content>
        </Radix.Portal>
      </Radix.Root>
    </Radix.Provider>
  );
}
