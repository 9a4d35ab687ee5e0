import { expect, test } from "vitest";
import { colours, colourFor, inkOn, isColour } from "./colours";
import { cleanName, loadIdentity, maxNameLength, saveIdentity } from "./identity";

function storeOf(kept: string | null) {
  const items = new Map<string, string>();
  return () => ({
    getItem: (key: string) => items.get(key) ?? kept,
    setItem: (key: string, value: string) => void items.set(key, value),
  });
}

test("an identity that was saved is loaded", () => {
  const store = storeOf(null);
  expect(loadIdentity(store)).toBeNull();
  saveIdentity(store, { name: "Ada", color: "#0b6bcb" });
  expect(loadIdentity(store)).toEqual({ name: "Ada", color: "#0b6bcb" });
});

test.each(["", "{", "null", "[]", '"Ada"', '{"name":"Ada"}', '{"name":7,"color":"#0b6bcb"}', '{"name":"Ada","color":"red"}', '{"name":"  ","color":"#0b6bcb"}'])(
  "what else may be kept, such as %j, is no identity",
  (kept) => {
    expect(loadIdentity(storeOf(kept))).toBeNull();
  },
);

test("a storage that refuses is no error", () => {
  const refused = () => {
    throw new DOMException("denied", "SecurityError");
  };
  expect(loadIdentity(refused)).toBeNull();
  expect(() => {
    saveIdentity(refused, { name: "Ada", color: "#0b6bcb" });
  }).not.toThrow();
});

test("names lose what can't be shown, and whole characters beyond the limit", () => {
  expect(cleanName("  Ada\n\tLovelace\u0000 ")).toBe("Ada Lovelace");
  expect(cleanName("✍".repeat(maxNameLength + 5))).toBe("✍".repeat(maxNameLength));
  expect(cleanName("😀".repeat(maxNameLength + 5)).isWellFormed()).toBe(true);
});

test("every number has a colour of the list", () => {
  const list: string[] = colours.map((colour) => colour.value);
  for (const n of [0, 5, 6, 4294967295, -1, 2.5]) expect(list).toContain(colourFor(n));
  expect(colourFor(7)).toBe(colourFor(1));
});

test("white is readable on every colour one can choose, and black on light ones of others", () => {
  for (const { value } of colours) expect(inkOn(value)).toBe("#ffffff");
  expect(inkOn("#ffa500")).toBe("#000000");
  expect(inkOn("#ffffff")).toBe("#000000");
});

test.each([
  ["#0b6bcb", true],
  ["#ABCDEF", true],
  ["#fff", false],
  ["red", false],
  ["#0b6bcb; background: url(x)", false],
  [7, false],
  [null, false],
])("%j is a colour: %j", (value, is) => {
  expect(isColour(value)).toBe(is);
});
