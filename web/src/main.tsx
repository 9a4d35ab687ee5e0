import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/source-serif-4/wght.css";
import "@fontsource-variable/source-serif-4/wght-italic.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { takeGrant } from "./access/grant";
import { begin } from "./access/useAccess";
import { App } from "./App";
import "./styles/base.css";
import "./styles/tokens.css";

begin(takeGrant());

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
