import { Button } from "@fluentui/react-components";
import { DeleteRegular } from "@fluentui/react-icons";
import type { ReactNode } from "react";

import { done, failed } from "../app/activity";
import { Confirm } from "../app/Confirm";

/** Deletes something configured after it has said what that means (`children`). */
export function DeleteButton({ name, remove, children }: { name: string; remove: () => Promise<void>; children: ReactNode }) {
  const confirmed = async () => {
    try {
      await remove();
      done(`Deleted ${name}`);
    } catch (error) {
      failed(`Could not delete ${name}`, error);
    }
  };
  return (
    <Confirm trigger={<Button icon={<DeleteRegular />}>Delete</Button>} title={`Delete ${name}?`} action="Delete" onConfirm={() => void confirmed()}>
      {children}
    </Confirm>
  );
}
