import { Button } from "@fluentui/react-components";
import { ArrowUploadRegular } from "@fluentui/react-icons";
import { useRef } from "react";

export interface TextFile {
  name: string;
  text: string;
}

/** A button that asks for a text file. */
export function FileButton({ label, disabled = false, onFile }: { label: string; disabled?: boolean; onFile: (file: TextFile) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button size="small" icon={<ArrowUploadRegular />} disabled={disabled} onClick={() => input.current?.click()}>
        {label}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={label}
        accept=".csv,.tsv,.json,.jsonl,.ndjson,text/csv,application/json"
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file) void file.text().then((text) => onFile({ name: file.name, text }));
        }}
      />
    </>
  );
}
