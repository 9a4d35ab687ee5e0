// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { NewLink } from "./NewLink";

const link = {
  id: 1,
  role: "reader",
  note: "",
  created: new Date("2026-11-30T12:00:00Z"),
  expires: null,
  address: "https://docs.example.com/d/notes#link=inkwire-link-x",
} as const;

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function show() {
  const onCopy = vi.fn();
  render(<NewLink link={link} onCopy={onCopy} onAnother={vi.fn()} />);
  const copy = screen.getByRole("button", { name: "Copy" });
  return { onCopy, copy };
}

test("the focus is on what is to be done next, and copies", async () => {
  const writeText = vi.fn(() => Promise.resolve());
  vi.stubGlobal("navigator", { clipboard: { writeText } });
  const { onCopy, copy } = show();
  expect(document.activeElement).toBe(copy);
  fireEvent.click(copy);
  await vi.waitFor(() => {
    expect(onCopy).toHaveBeenCalledExactlyOnceWith("done");
  });
  expect(writeText).toHaveBeenCalledExactlyOnceWith(link.address);
});

test.each([
  ["isn't there", undefined],
  ["is refused", { writeText: () => Promise.reject(new Error("NotAllowedError")) }],
])("where the clipboard %s, the address is selected to be copied by hand", async (_what, clipboard) => {
  vi.stubGlobal("navigator", { clipboard });
  const { onCopy, copy } = show();
  fireEvent.click(copy);
  await vi.waitFor(() => {
    expect(onCopy).toHaveBeenCalledExactlyOnceWith("refused");
  });
  const field = screen.getByLabelText<HTMLInputElement>("New link: can view");
  expect(document.activeElement).toBe(field);
  expect([field.selectionStart, field.selectionEnd]).toEqual([0, link.address.length]);
});
