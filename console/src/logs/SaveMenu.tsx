import { Button, Menu, MenuItem, MenuList, MenuPopover, MenuTrigger } from "@fluentui/react-components";
import { SaveRegular } from "@fluentui/react-icons";

interface Props {
  disabled: boolean;
  onSave: (kind: "query" | "function") => void;
}

export function SaveMenu({ disabled, onSave }: Props) {
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Button size="small" icon={<SaveRegular />} disabled={disabled}>
          Save
        </Button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          <MenuItem onClick={() => onSave("query")}>Save as query</MenuItem>
          <MenuItem onClick={() => onSave("function")}>Save as function</MenuItem>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
