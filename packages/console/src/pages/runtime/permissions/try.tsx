import type { PermissionExplanation, PermissionMatrix } from "@kheish/sdk";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { kheish } from "../../../app/client.ts";
import { AreaField, ChangeForm, Disclosure, type Fields, TextField } from "../../../ui/form.tsx";
import { Loaded } from "../../../ui/loaded.tsx";
import { Json } from "../../../ui/parts.tsx";
import { Word } from "../../../ui/table.tsx";
import { useChange } from "../../../ui/use-change.ts";

const TONES = { allow: "good", ask: "wait", deny: "bad" } as const;

const matrixQuery = queryOptions({
  queryKey: ["matrix"],
  queryFn: ({ signal }) => kheish().api.permissionMatrix({ signal }),
});

/** What would become of a call; nothing happens. */
export function Try() {
  return (
    <section aria-label="Try" className="grid gap-3">
      <h2 className="font-semibold">What would happen</h2>
      <Disclosure name="Try a call">
        <Check />
      </Disclosure>
      <Disclosure name="Every tool under every mode">
        <Matrix />
      </Disclosure>
    </section>
  );
}

function Check() {
  const check = useChange(
    async (fields: Fields) => {
      const session_id = fields.optional("session_id");
      const input = fields.json("input");
      return kheish().api.checkPermission({
        body: {
          tool_name: fields.required("tool_name"),
          ...(session_id !== undefined && { session_id }),
          ...(input !== undefined && { input }),
        },
      });
    },
    { stale: [] },
  );
  return (
    <div className="grid gap-3">
      <ChangeForm change={check} submit="Look" keeps>
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField label="Tool" name="tool_name" required placeholder="bash" />
          <TextField
            label="In the session"
            name="session_id"
            hint="Its rules count too; the daemon's when left out."
          />
        </div>
        <AreaField label="Input (JSON)" name="input" rows={3} placeholder='{"command": "git status"}' />
      </ChangeForm>
      {check.data && <Verdict found={check.data} />}
    </div>
  );
}

function Verdict({ found }: { found: PermissionExplanation }) {
  return (
    <div role="status" className="grid gap-2">
      <p>
        <Word tone={TONES[found.decision]}>{found.decision}</Word> <code>{found.tool_name}</code>
        {found.matched_rule !== undefined && ` by ${found.matched_rule}`}
        {`, mode ${found.effective_mode}. `}
        <span className="text-soft">{found.reason}</span>
      </p>
      {found.seen !== undefined && (
        <>
          <p className="text-soft">What rules see of it:</p>
          <Json value={found.seen} />
        </>
      )}
    </div>
  );
}

function Matrix() {
  return <Loaded query={useQuery(matrixQuery)}>{(matrix) => <Grid matrix={matrix} />}</Loaded>;
}

function Grid({ matrix: { modes } }: { matrix: PermissionMatrix }) {
  const tools = modes[0]?.tools.map(({ tool_name }) => tool_name) ?? [];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div className="max-h-96 overflow-auto" tabIndex={0}>
      <table className="w-full border-collapse text-left text-xs">
        <thead>
          <tr className="text-soft">
            <th scope="col" className="py-1 pr-3 font-medium">
              Tool
            </th>
            {modes.map(({ mode }) => (
              <th key={mode} scope="col" className="py-1 pr-3 font-medium">
                {mode}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {tools.map((tool, row) => (
            <tr key={tool}>
              <th scope="row" className="py-1 pr-3 font-mono font-normal">
                {tool}
              </th>
              {modes.map(({ mode, tools: found }) => {
                const decision = found[row]?.decision;
                return (
                  <td key={mode} className="py-1 pr-3">
                    {decision && <Word tone={TONES[decision]}>{decision}</Word>}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
