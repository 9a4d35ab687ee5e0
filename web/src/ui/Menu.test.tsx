// @vitest-environment jsdom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { IconButton } from "./IconButton";
import { Menu, MenuChoiceGroup, MenuItem } from "./Menu";

afterEach(cleanup);

test("a menu opens by the keyboard, does what is chosen, and brings no style element", () => {
  const onSelect = vi.fn();
  const onChange = vi.fn();
  render(
    <Menu trigger={<IconButton label="More">…</IconButton>}>
      <MenuItem onSelect={onSelect}>Rename</MenuItem>
      <MenuChoiceGroup label="Theme" value="dark" options={{ light: "Light", dark: "Dark" }} onChange={onChange} />
    </Menu>,
  );
  const more = screen.getByRole("button", { name: "More" });
  const open = () => fireEvent.keyDown(more, { key: "Enter" });
  open();
  expect(document.querySelector("style")).toBeNull();
  expect(screen.getByRole("menuitemradio", { name: "Dark" }).getAttribute("aria-checked")).toBe("true");
  fireEvent.click(screen.getByRole("menuitem", { name: "Rename" }));
  expect(onSelect).toHaveBeenCalledOnce();
  expect(screen.queryByRole("menu")).toBeNull();
  open();
  fireEvent.click(screen.getByRole("menuitemradio", { name: "Light" }));
  expect(onChange).toHaveBeenCalledExactlyOnceWith("light");
});
