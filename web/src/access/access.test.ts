import { expect, test } from "vitest";
import { readAccess } from "./access";

test.each(["reader", "commenter", "writer", "owner"])("a %s is admitted", (role) => {
  expect(readAccess({ role, documents: {} })).toEqual({ admitted: true, mayShare: role === "owner", name: "", color: "" });
});

test("who the server knows has a name", () => {
  expect(readAccess({ role: "writer", name: "Ada", color: "#0b6bcb" })).toEqual({ admitted: true, mayShare: false, name: "Ada", color: "#0b6bcb" });
});

test.each([null, "owner", {}, { role: "none" }, { role: 7, name: ["Ada"] }])("%j admits nobody", (said) => {
  expect(readAccess(said)).toEqual({ admitted: false, mayShare: false, name: "", color: "" });
});
