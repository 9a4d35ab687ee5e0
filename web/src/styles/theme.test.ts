// @vitest-environment jsdom
import { beforeEach, expect, test } from "vitest";
import { setTheme, startTheme } from "./theme";

const root = document.documentElement;

beforeEach(() => {
  window.localStorage.clear();
  document.head.innerHTML = `
    <meta name="theme-color" content="#f7f6f3" media="(prefers-color-scheme: light)" />
    <meta name="theme-color" content="#161614" media="(prefers-color-scheme: dark)" />`;
  startTheme();
});

const media = () => Array.from(document.querySelectorAll("meta"), (meta) => meta.media);

test("without a choice the page is as the device is", () => {
  expect(root.dataset.theme).toBeUndefined();
  expect(media()).toEqual(["(prefers-color-scheme: light)", "(prefers-color-scheme: dark)"]);
});

test("a choice is there at once, in the browser's bars too, and after a reload", () => {
  setTheme("dark");
  expect(root.dataset.theme).toBe("dark");
  expect(media()).toEqual(["not all", "all"]);
  delete root.dataset.theme;
  startTheme();
  expect(root.dataset.theme).toBe("dark");
});

test("the choice can be taken back", () => {
  setTheme("light");
  setTheme("system");
  expect(root.dataset.theme).toBeUndefined();
  expect(media()).toEqual(["(prefers-color-scheme: light)", "(prefers-color-scheme: dark)"]);
});

test("what is no theme counts as no choice", () => {
  window.localStorage.setItem("inkwire.theme", "sepia");
  startTheme();
  expect(root.dataset.theme).toBeUndefined();
});

test("other tabs follow", () => {
  window.dispatchEvent(new StorageEvent("storage", { key: "inkwire.theme", newValue: "dark" }));
  expect(root.dataset.theme).toBe("dark");
});
