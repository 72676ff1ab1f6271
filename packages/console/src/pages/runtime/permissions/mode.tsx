import type { PermissionMode } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { kheish } from "../../../app/client.ts";
import { ConfirmButton } from "../../../ui/confirm.tsx";
import { Fields, SelectField, TextField } from "../../../ui/form.tsx";
import { Loaded } from "../../../ui/loaded.tsx";
import { Card } from "../../../ui/parts.tsx";
import { useChange } from "../../../ui/use-change.ts";
import { runtimeQuery } from "../queries.ts";

const MODES: Readonly<Record<PermissionMode, string>> = {
  default: "What is not allowed is asked about.",
  acceptEdits: "As default, and files in the workspace are edited without asking.",
  bypassPermissions: "Nothing is asked about: only a rule that denies holds an agent back.",
  plan: "Agents read and plan, and change nothing.",
  dontAsk: "What would be asked about is denied.",
};
const NAMES = Object.keys(MODES) as PermissionMode[];

export function Mode() {
  return (
    <Card className="grid gap-3">
      <h2 className="font-semibold">Mode</h2>
      <Loaded query={useQuery(runtimeQuery)} lines={2}>
        {({ permission_mode, config }) => (
          <Change key={permission_mode} now={permission_mode} revision={config.revision} />
        )}
      </Loaded>
    </Card>
  );
}

function Change({ now, revision }: { now: PermissionMode; revision: number }) {
  const [chosen, setChosen] = useState(now);
  const set = useChange(
    ({ reason, expected_revision }: { reason: string | undefined; expected_revision: number }) =>
      kheish().api.setPermissionMode({
        body: { mode: chosen, expected_revision, ...(reason !== undefined && { reason }) },
      }),
    { stale: ["runtime", "revisions", "matrix"] },
  );
  return (
    <>
      <SelectField
        label="Of sessions that say nothing else"
        options={NAMES}
        value={chosen}
        hint={MODES[chosen]}
        onChange={(event) => setChosen(NAMES.find((mode) => mode === event.target.value) ?? now)}
      />
      {chosen !== now && (
        <div>
          <ConfirmButton
            name="Change the mode"
            tone={chosen === "bypassPermissions" ? "danger" : "plain"}
            what={`From ${now} to ${chosen}?`}
            change={set}
            input={(form) => ({
              reason: new Fields(form).optional("reason"),
              expected_revision: revision,
            })}
          >
            <p>{MODES[chosen]} It holds from the next tool call on.</p>
            <TextField label="Why (kept with the change)" name="reason" />
          </ConfirmButton>
        </div>
      )}
    </>
  );
}
