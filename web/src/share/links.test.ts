import { expect, test } from "vitest";
import { readLink, readLinks, readMadeLink } from "./links";
import { readProblem } from "./problem";

const said = {
  id: 1,
  document: "team/plan",
  role: "reader",
  note: "for the board",
  by: "ann",
  created: "2026-11-30T20:10:44.908Z",
  expires: "2026-12-07T20:10:44.908Z",
};

const link = {
  id: 1,
  role: "reader",
  note: "for the board",
  created: new Date("2026-11-30T20:10:44.908Z"),
  expires: new Date("2026-12-07T20:10:44.908Z"),
};

test("a link is read as the API shows it", () => {
  expect(readLink(said)).toEqual(link);
});

test("one without an end never ends", () => {
  expect(readLink({ ...said, expires: undefined }).expires).toBeNull();
});

test.each([
  ["no object", null],
  ["a role that isn't a link's", { ...said, role: "owner" }],
  ["no number", { ...said, id: "1" }],
  ["a time that is none", { ...said, created: "yesterday" }],
  ["an end that is none", { ...said, expires: 1765138244 }],
])("%s is no link", (_what, answer) => {
  expect(() => readLink(answer)).toThrow("can't be read");
});

test("the list is read in its order", () => {
  expect(readLinks({ shares: [said, { ...said, id: 2 }] })).toEqual([link, { ...link, id: 2 }]);
  expect(readLinks({ shares: [] })).toEqual([]);
  expect(() => readLinks({})).toThrow("can't be read");
});

test("its maker is told an address where this page is", () => {
  const made = readMadeLink({ ...said, secret: "inkwire-link-x", url: "/d/team%2Fplan#link=inkwire-link-x" }, "https://docs.example.com");
  expect(made).toEqual({ ...link, address: "https://docs.example.com/d/team%2Fplan#link=inkwire-link-x" });
  expect(() => readMadeLink(said, "https://docs.example.com")).toThrow("can't be read");
});

test("a problem is told in the server's words, or said to be unreadable", () => {
  const problem = readProblem({ title: "Conflict", status: 409, detail: "the document has the 1000 shares that it may have", reason: "too_many_shares" });
  expect(problem.reason).toBe("too_many_shares");
  expect(problem.message).toBe("That didn't work: the document has the 1000 shares that it may have.");
  expect(readProblem("<html>Bad gateway</html>").message).toContain("can't be read");
});
