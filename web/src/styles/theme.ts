import { useSyncExternalStore } from "react";

export const themes = ["system", "light", "dark"] as const;

/** Light or dark, or as the device has it. */
export type Theme = (typeof themes)[number];

const key = "inkwire.theme";
const listeners = new Set<() => void>();
let now: Theme = "system";

/** Takes up what was chosen on this device; to be called before anything is drawn. */
export function startTheme(): void {
  let kept: string | null = null;
  try {
    kept = window.localStorage.getItem(key);
  } catch {
    // Storage is closed to this page: the device's own theme then.
  }
  show(themes.find((theme) => theme === kept) ?? "system");
  // Other tabs of this device follow. No key is all of them: the storage was emptied.
  window.addEventListener("storage", (event) => {
    if (event.key === key || event.key === null) show(themes.find((theme) => theme === event.newValue) ?? "system");
  });
}

/** Chooses, and keeps it on this device. */
export function setTheme(theme: Theme): void {
  try {
    window.localStorage.setItem(key, theme);
  } catch {
    // Then it lives as long as the page.
  }
  show(theme);
}

/** What is chosen, and a way to choose. */
export function useTheme(): readonly [Theme, (theme: Theme) => void] {
  return [useSyncExternalStore(subscribe, () => now), setTheme];
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

// tokens.css reads the attribute; the browser's own bars read the meta elements.
function show(theme: Theme) {
  now = theme;
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const meta of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")) {
    const own = meta.content === "#161614" ? "dark" : "light";
    meta.media = theme === "system" ? `(prefers-color-scheme: ${own})` : theme === own ? "all" : "not all";
  }
  for (const listener of listeners) listener();
}
