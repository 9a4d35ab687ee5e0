import { expect, test } from "vitest";
import { grantIn } from "./grant";

test.each([
  ["http://h/d/a#token=t", "t", "http://h/d/a"],
  ["http://h/d/a#link=inkwire-link-x", "inkwire-link-x", "http://h/d/a"],
  ["http://h/d/a?token=t", "t", "http://h/d/a"],
  ["http://h/d/a?x=1&token=t&y=2#part", "t", "http://h/d/a?x=1&y=2#part"],
  ["http://h/d/a%2Fb#token=a.b-c_d%3D", "a.b-c_d=", "http://h/d/a%2Fb"],
  ["http://h/d/a?token=query#token=fragment", "fragment", "http://h/d/a"],
  ["http://h/d/a#token=", null, "http://h/d/a"],
])("in %s is %j, and it is taken out", (address, token, rest) => {
  expect(grantIn(address)).toEqual({ token, rest });
});

test.each(["http://h/", "http://h/d/a#part", "http://h/d/token", "http://h/d/a?q=token"])("%s stays as it is", (address) => {
  expect(grantIn(address)).toEqual({ token: null, rest: address });
});
