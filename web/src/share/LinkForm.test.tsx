// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { LinkForm } from "./LinkForm";

afterEach(cleanup);

const press = () => {
  fireEvent.click(screen.getByRole("button", { name: "Make link" }));
};

test("begins with the least: to view", () => {
  const onMake = vi.fn(() => Promise.resolve());
  render(<LinkForm onMake={onMake} />);
  press();
  expect(onMake).toHaveBeenCalledExactlyOnceWith({ role: "reader", note: "", lasts: null });
});

test("asks for what was chosen", () => {
  const onMake = vi.fn(() => Promise.resolve());
  render(<LinkForm onMake={onMake} />);
  fireEvent.change(screen.getByLabelText("Whoever has the link"), { target: { value: "writer" } });
  fireEvent.change(screen.getByLabelText("Ends"), { target: { value: "week" } });
  fireEvent.change(screen.getByLabelText("Note (optional)"), { target: { value: " for the board " } });
  press();
  expect(onMake).toHaveBeenCalledExactlyOnceWith({ role: "writer", note: "for the board", lasts: 604_800 });
});

test("a second press while the first is under way makes no second link", async () => {
  let finish: () => void = vi.fn();
  const under = new Promise<void>((resolve) => (finish = resolve));
  const onMake = vi.fn(() => under);
  render(<LinkForm onMake={onMake} />);
  press();
  press();
  expect(onMake).toHaveBeenCalledOnce();
  await act(async () => {
    finish();
    await under;
  });
  press();
  expect(onMake).toHaveBeenCalledTimes(2);
});
