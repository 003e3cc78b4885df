import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

// jsdom lays nothing out and has neither of these; Fluent's components ask for both.
Object.assign(globalThis, {
  ResizeObserver: class {
    observe = () => undefined;
    unobserve = () => undefined;
    disconnect = () => undefined;
  },
});
Element.prototype.scrollIntoView = () => undefined;

afterEach(() => {
  cleanup();
  localStorage.clear();
});
