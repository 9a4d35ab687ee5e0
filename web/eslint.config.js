import js from "@eslint/js";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

// Who may import whom: `session` and `ui` know no page, `editor` no network.
const ban = (folder, groups, why) => ({
  files: [`src/${folder}/**`],
  rules: {
    "no-restricted-imports": ["error", { patterns: [{ group: groups, message: why }] }],
  },
});

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "src/api/types.ts"] },
  js.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
    },
  },
  { files: ["src/**/*.{ts,tsx}"], ...reactHooks.configs.flat.recommended },
  { files: ["*.{js,mjs}"], languageOptions: { globals: { console: "readonly", process: "readonly", URL: "readonly" } } },
  ban("session", ["react", "react-dom", "wouter*", "../ui/*", "../editor/*", "../document/*"], "session has no React and knows no page"),
  ban("ui", ["../session/*", "../editor/*", "../document/*", "../identity/*"], "ui knows no page"),
  ban("editor", ["y-websocket", "../session/session", "../document/*"], "editor knows no network"),
);
