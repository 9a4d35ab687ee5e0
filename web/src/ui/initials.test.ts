import { expect, test } from "vitest";
import { initials } from "./initials";

test.each([
  ["Ada Lovelace", "AL"],
  ["Ada King of Lovelace", "AL"],
  ["ben", "B"],
  ["  ", "?"],
  ["", "?"],
  ["👩‍💻 Zoë", "👩‍💻Z"],
  ["éa", "É"],
])("the initials of %j are %j", (name, letters) => {
  expect(initials(name)).toBe(letters);
});
