import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import "./app/base.css";
import "./app/shell.css";
import { App } from "./app/App";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
