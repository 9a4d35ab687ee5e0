import type { ComponentProps } from "react";
import css from "./Button.module.css";

interface Props extends ComponentProps<"button"> {
  /** The one thing a page is for is "main"; all else is "quiet", with an "outline" where nothing else shows a button. */
  readonly look?: "main" | "quiet" | "outline";
}

/** A button; not a form's submit unless it says so. */
export function Button({ look = "quiet", type = "button", className, ...rest }: Props) {
  return <button {...rest} type={type} className={[css.button, css[look], className].filter(Boolean).join(" ")} />;
}
