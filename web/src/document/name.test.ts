import { expect, test } from "vitest";
import { documentName, documentPath, nameProblem } from "./name";

test.each([
  ["notes", null],
  ["team/2026/notes", null],
  ["...", null],
  ["", "empty"],
  ["é".repeat(256), null],
  ["é".repeat(256) + "x", "long"],
  ["a\u0000b", "control"],
  ["a\u0085b", "control"],
  ["..", "dots"],
  ["a/./b", "dots"],
  ["a\ud800", "broken"],
])("the problem with %j is %j", (name, problem) => {
  expect(nameProblem(name)).toBe(problem);
});

test.each(["notes", "team/notes", "a b", "50%", "a%2Fb", "what?#now", "naïve ✍️", "a//b", "/", "trailing/"])(
  "the address of %j leads back to it",
  (name) => {
    // A browser parses the address before it is read again.
    const { pathname } = new URL(documentPath(name), "http://127.0.0.1:8000");
    expect(documentName(pathname)).toBe(name);
  },
);

test.each(["/", "/d", "/d/", "/x/notes", "/d/%", "/d/%ff", "/d/..%2fetc", "/d/a%00b"])(
  "%j is no document's address",
  (pathname) => {
    expect(documentName(pathname)).toBeNull();
  },
);
