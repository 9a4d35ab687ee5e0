import { expect, test } from "vitest";
import { peopleIn, readUser, samePeople } from "./presence";

test("oneself comes first, then the others by name", () => {
  const states = new Map<number, unknown>([
    [3, { user: { name: "Cleo", color: "#c2255c" } }],
    [1, { user: { name: "Ben", color: "#0a7d5a" }, cursor: null }],
    [2, { user: { name: "Ada", color: "#0B6BCB" } }],
  ]);
  expect(peopleIn(states, 3)).toEqual([
    { clientId: 3, name: "Cleo", color: "#c2255c", self: true },
    { clientId: 2, name: "Ada", color: "#0b6bcb", self: false },
    { clientId: 1, name: "Ben", color: "#0a7d5a", self: false },
  ]);
});

test("states that name no user are nobody", () => {
  const states = new Map<number, unknown>([
    [1, null],
    [2, {}],
    [3, "user"],
    [4, 7],
  ]);
  expect(peopleIn(states, 9)).toEqual([]);
});

test.each([
  [null],
  ["Ada"],
  [{ name: { toString: "x" }, color: "javascript:alert(1)" }],
  [{ name: ["Ada"], color: "#12" }],
])("a user that is %j gets a colour and no name", (user) => {
  const { name, color } = readUser(user, 8);
  expect(name).toBe("");
  expect(color).toMatch(/^#[0-9a-f]{6}$/);
});

test("lists are the same when they show the same", () => {
  const one = peopleIn(new Map([[1, { user: { name: "Ada", color: "#0b6bcb" }, cursor: 1 }]]), 1);
  const moved = peopleIn(new Map([[1, { user: { name: "Ada", color: "#0b6bcb" }, cursor: 2 }]]), 1);
  const renamed = peopleIn(new Map([[1, { user: { name: "Eva", color: "#0b6bcb" } }]]), 1);
  expect(samePeople(one, moved)).toBe(true);
  expect(samePeople(one, renamed)).toBe(false);
  expect(samePeople(one, [])).toBe(false);
});
