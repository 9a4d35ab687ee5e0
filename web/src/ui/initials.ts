const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The first letters of the first and last word, as people read letters; "?" for no name. */
export function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== "");
  const ends = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  const letters = ends.map((word) => graphemes.segment(word ?? "")[Symbol.iterator]().next().value?.segment ?? "");
  return letters.join("").toLocaleUpperCase() || "?";
}
