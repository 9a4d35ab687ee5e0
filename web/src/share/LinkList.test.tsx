// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { LinkList } from "./LinkList";
import type { Link } from "./links";

afterEach(cleanup);

const board: Link = { id: 1, role: "reader", note: "for the board", created: new Date("2026-11-30T12:00:00Z"), expires: null };
const nameless: Link = { ...board, id: 2, role: "commenter", note: "", expires: new Date("2026-12-01T12:00:00Z") };

function show(links: readonly Link[]) {
  const done = { onRole: vi.fn(() => Promise.resolve()), onRevoke: vi.fn(() => Promise.resolve()) };
  render(<LinkList links={links} {...done} />);
  return done;
}

test("lists the newest first, by note or else by number, with when it ends", () => {
  show([board, { ...nameless, expires: new Date(Date.now() - 1000) }]);
  const [first, second] = screen.getAllByRole("listitem");
  if (first === undefined || second === undefined) throw new Error("two were given");
  within(first).getByText("Link 2");
  within(first).getByText(/^ended /);
  within(second).getByText("for the board");
  within(second).getByText(/never ends/);
});

test("gives the link another role; to comment is a choice only where it is the role", () => {
  const { onRole } = show([board, nameless]);
  const words = (label: string) => within(screen.getByLabelText(label)).getAllByRole("option").map((option) => option.textContent);
  expect(words("Role of “for the board”")).toEqual(["Can view", "Can edit"]);
  expect(words("Role of “Link 2”")).toEqual(["Can view", "Can comment", "Can edit"]);
  fireEvent.change(screen.getByLabelText("Role of “for the board”"), { target: { value: "writer" } });
  expect(onRole).toHaveBeenCalledExactlyOnceWith(board, "writer");
});

test("revokes, and keeps the focus where there will still be something", () => {
  const { onRevoke } = show([board]);
  fireEvent.click(screen.getByRole("button", { name: "Revoke “for the board”" }));
  expect(onRevoke).toHaveBeenCalledExactlyOnceWith(board);
  expect(document.activeElement).toBe(screen.getByRole("heading", { name: "1 link" }));
});

test("says that there are none", () => {
  show([]);
  screen.getByRole("heading", { name: "No links yet" });
});
