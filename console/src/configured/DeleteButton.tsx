import { Button } from "@fluentui/react-components";
import { DeleteRegular } from "@fluentui/react-icons";
import type { ReactNode } from "react";

import { done, failed } from "../app/activity";
import { Confirm } from "../app/Confirm";

interface Props {
  name: string;
  remove: () => Promise<void>;
  /** Among small buttons. */
  small?: boolean;
  children: ReactNode;
}

/** Deletes something configured after it has said what that means (`children`). */
export function DeleteButton({ name, remove, small = false, children }: Props) {
  const confirmed = async () => {
    try {
      await remove();
      done(`Deleted ${name}`);
    } catch (error) {
      failed(`Could not delete ${name}`, error);
    }
  };
  return (
    <Confirm trigger={<Button size={small ? "small" : "medium"} icon={<DeleteRegular />}>Delete</Button>} title={`Delete ${name}?`} action="Delete" onConfirm={() => void confirmed()}>
      {children}
    </Confirm>
  );
}
