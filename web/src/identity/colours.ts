/** What a person may choose. White text is readable on each (WCAG AA). */
export const colours = [
  { value: "#0b6bcb", name: "Blue" },
  { value: "#b4470f", name: "Orange" },
  { value: "#0a7d5a", name: "Green" },
  { value: "#8e3bb5", name: "Purple" },
  { value: "#c2255c", name: "Pink" },
  { value: "#5f6b00", name: "Olive" },
] as const;

/** A colour of the list for any number, the same one each time. */
export function colourFor(n: number): string {
  const count = colours.length;
  return (colours[((Math.trunc(n) % count) + count) % count] ?? colours[0]).value;
}

/** True for "#rrggbb", the one form that every Yjs editor understands. */
export function isColour(value: unknown): value is string {
  return typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value);
}

/**
 * Black or white, whichever reads better on a colour. Other editors' users bring colours of their
 * own, so the answer is computed: relative luminance and contrast as in WCAG 2.2.
 */
export function inkOn(colour: string): "#000000" | "#ffffff" {
  const channel = (at: number) => {
    const c = parseInt(colour.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
  const onWhite = 1.05 / (luminance + 0.05);
  return onWhite >= 4.5 ? "#ffffff" : "#000000";
}
