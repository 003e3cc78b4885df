import { useCallback } from "react";
import { useSearchParams } from "react-router";

type Change = (parameters: URLSearchParams) => URLSearchParams;

/**
 * The query parameters of the address and how to change them. A change starts from the address as it is at that moment:
 * what React has rendered may be a change behind when keys follow each other quickly.
 */
export function useParameters(): [URLSearchParams, (change: Change, replace?: boolean) => void] {
  const [parameters, setParameters] = useSearchParams();
  const change = useCallback(
    (edit: Change, replace = false) => {
      const current = new URLSearchParams(window.location.search);
      setParameters(edit(current), { replace });
    },
    [setParameters],
  );
  return [parameters, change];
}

/** Sets a parameter, or removes it when the value is empty. */
export function setOrDelete(parameters: URLSearchParams, name: string, value: string): void {
  if (value) parameters.set(name, value);
  else parameters.delete(name);
}
