// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { ToastProvider, useToast, type ToastContent } from "./Toast";

afterEach(cleanup);

function Speaker({ toasts }: { readonly toasts: readonly ToastContent[] }) {
  const say = useToast();
  return toasts.map((toast) => (
    <button
      key={toast.text}
      onClick={() => {
        say(toast);
      }}
    >
      say {toast.text}
    </button>
  ));
}

function speak(...toasts: ToastContent[]) {
  render(
    <ToastProvider>
      <Speaker toasts={toasts} />
    </ToastProvider>,
  );
  for (const { text } of toasts) fireEvent.click(screen.getByRole("button", { name: `say ${text}` }));
}

const shown = () => screen.queryAllByRole("listitem").map((item) => item.textContent);

test("what was done can be taken back once", () => {
  const onSelect = vi.fn();
  speak({ text: "deleted", action: { label: "Undo", onSelect } });
  fireEvent.click(screen.getByRole("button", { name: "Undo" }));
  expect(onSelect).toHaveBeenCalledOnce();
  expect(shown()).toEqual([]);
});

test("two are shown at most", () => {
  speak({ text: "one" }, { text: "two" }, { text: "three" });
  expect(shown()).toEqual(["two", "three"]);
});

test("it is closed by its button", () => {
  speak({ text: "one" });
  fireEvent.click(screen.getByRole("button", { name: "Close" }));
  expect(shown()).toEqual([]);
});
