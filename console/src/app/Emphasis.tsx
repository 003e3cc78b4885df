import { Fragment } from "react";

/** Text of the manifests, in which `**words**` are names of what is seen elsewhere. */
export function Emphasis({ text }: { text: string }) {
  return text.split("**").map((part, index) => (index % 2 ? <strong key={index}>{part}</strong> : <Fragment key={index}>{part}</Fragment>));
}
