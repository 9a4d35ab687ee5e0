import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/source-serif-4/wght.css";
import "@fontsource-variable/source-serif-4/wght-italic.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { presentGrant } from "./access/useAccess";
import { App } from "./App";
import "./styles/base.css";
import { startTheme } from "./styles/theme";
import "./styles/tokens.css";

presentGrant(); // before anything else sees the address
startTheme();

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
