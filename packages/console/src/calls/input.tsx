import type { Json as JsonValue } from "@kheish/sdk";
import { Diff } from "../ui/diff.tsx";
import { Json } from "../ui/parts.tsx";
import { besides, changesOf, fieldsOf } from "./changes.ts";

/** What a call would do: a change of files as a difference, a command as a command, the rest field by field. */
export function CallInput({ tool, input }: { tool: string; input: JsonValue }) {
  const changes = changesOf(tool, input);
  if (changes !== undefined) {
    return (
      <div className="grid gap-2">
        {tool === "write_file" && <p className="text-soft">Writes the whole file.</p>}
        {changes.map((change, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: one file may be changed twice; the order is the identity
          <Diff key={at} {...change} />
        ))}
        <Fields fields={besides(input)} />
      </div>
    );
  }
  const { command, ...others } = fieldsOf(input);
  if (tool === "bash" && typeof command === "string") {
    return (
      <div className="grid gap-2">
        <Json value={command} />
        <Fields fields={others} />
      </div>
    );
  }
  if (typeof input !== "object" || input === null || Array.isArray(input)) return <Json value={input} />;
  return <Fields fields={input} />;
}

/** Each field by itself, text as text: a human reads a script, not its escapes. */
function Fields({ fields }: { fields: Record<string, JsonValue> }) {
  const entries = Object.entries(fields);
  if (entries.length === 0) return null;
  return (
    <dl className="grid gap-2">
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt className="mb-1 text-soft">{name}</dt>
          <dd>
            <Json value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
