// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { JoinCard } from "./JoinCard";

afterEach(cleanup);

function type(label: string, text: string) {
  fireEvent.change(screen.getByLabelText(label), { target: { value: text } });
}

test("joins with the name, the colour and the document that were given", () => {
  const onJoin = vi.fn();
  render(<JoinCard identity={null} onJoin={onJoin} />);
  type("Your name", "  Ada ");
  fireEvent.click(screen.getByLabelText("Purple"));
  type("Document", " team/notes ");
  fireEvent.click(screen.getByRole("button", { name: "Join document" }));
  expect(onJoin).toHaveBeenCalledExactlyOnceWith({ name: "Ada", color: "#8e3bb5" }, "team/notes");
});

test("says what is missing, at its field, and joins nothing", () => {
  const onJoin = vi.fn();
  render(<JoinCard identity={null} onJoin={onJoin} />);
  fireEvent.click(screen.getByRole("button", { name: "Join document" }));
  const name = screen.getByLabelText("Your name");
  expect(name.getAttribute("aria-invalid")).toBe("true");
  expect(document.activeElement).toBe(name);
  type("Your name", "Ada");
  type("Document", "a/../b");
  fireEvent.click(screen.getByRole("button", { name: "Join document" }));
  expect(document.activeElement).toBe(screen.getByLabelText("Document"));
  screen.getByText("“.” and “..” can't be parts of a document's name.");
  expect(onJoin).not.toHaveBeenCalled();
});

test("who comes by a link is asked for a name only", () => {
  const onJoin = vi.fn();
  render(<JoinCard identity={{ name: "Ada", color: "#c2255c" }} document="notes" onJoin={onJoin} />);
  expect(screen.queryByLabelText("Document")).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Join “notes”" }));
  expect(onJoin).toHaveBeenCalledExactlyOnceWith({ name: "Ada", color: "#c2255c" }, "notes");
});
