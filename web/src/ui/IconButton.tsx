import type { ComponentProps } from "react";
import css from "./IconButton.module.css";
import { Tooltip } from "./Tooltip";

interface Props extends ComponentProps<"button"> {
  /** What it does: its accessible name and its tooltip. */
  readonly label: string;
  /** An icon. */
  readonly children: React.ReactNode;
}

/** A button that shows an icon only. */
export function IconButton({ label, type = "button", className, ...rest }: Props) {
  return (
    <Tooltip label={label}>
      <button {...rest} type={type} aria-label={label} className={[css.button, className].filter(Boolean).join(" ")} />
    </Tooltip>
  );
}
