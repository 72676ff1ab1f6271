import type { RuntimeConfigRevisionView, RuntimeSetting } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { kheish } from "../../app/client.ts";
import { ConfirmButton } from "../../ui/confirm.tsx";
import { Fields, SelectField, TextField } from "../../ui/form.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { Button, Empty, Time, words } from "../../ui/parts.tsx";
import { ACTS, Acts, Cell, Row, Table } from "../../ui/table.tsx";
import { useChange } from "../../ui/use-change.ts";
import { diffQuery, revisionsQuery } from "./queries.ts";

const EVERYTHING = "";
const SETTINGS: readonly (readonly [setting: RuntimeSetting | "", name: string])[] = [
  [EVERYTHING, "everything"],
  ["model", "default route and model"],
  ["permission_mode", "permission mode"],
  ["system_prompt", "system prompt"],
  ["hooks", "hooks"],
  ["debug_level", "debug level"],
  ["learning_policy", "learning policy"],
  ["run_memory_policy", "run-memory policy"],
  ["tool_runtime_limits", "tool limits"],
];

/** Who changed the settings when, what it changed, and the way back. */
export function Revisions() {
  return (
    <Loaded query={useQuery(revisionsQuery)}>
      {(revisions) =>
        revisions.length === 0 ? (
          <Empty>No setting was ever changed.</Empty>
        ) : (
          <Table columns={["Revision", "What", "Who", ACTS]}>
            {revisions.map((revision, place) => (
              <Revision
                key={revision.revision}
                revision={revision}
                isNow={place === 0}
                now={revisions[0]?.revision ?? 0}
              />
            ))}
          </Table>
        )
      }
    </Loaded>
  );
}

interface Rollback {
  setting: RuntimeSetting | undefined;
  reason: string | undefined;
  expected_revision: number;
}

function Revision({
  revision,
  isNow,
  now,
}: {
  revision: RuntimeConfigRevisionView;
  isNow: boolean;
  now: number;
}) {
  const [open, setOpen] = useState(false);
  const rollback = useChange(
    ({ setting, reason, expected_revision }: Rollback) =>
      kheish().api.rollbackRuntime({
        body: {
          target_revision: revision.revision,
          expected_revision,
          ...(setting !== undefined && { setting }),
          ...(reason !== undefined && { reason }),
        },
      }),
    { stale: ["revisions", "runtime", "routes", "hooks"] },
  );
  return (
    <Row>
      <Cell name="Revision">
        <b>{revision.revision}</b> {isNow && <span className="text-soft">now</span>}
        <div className="text-soft">
          <Time at={revision.updated_at_ms} />
        </div>
      </Cell>
      <Cell name="What">
        {revision.rollback_of_revision === undefined
          ? words(revision.setting)
          : `back to ${revision.rollback_of_revision}`}
        <div className="text-soft">{revision.reason}</div>
        {open && <Diff revision={revision.revision} />}
      </Cell>
      <Cell name="Who">{revision.actor ?? words(revision.source)}</Cell>
      <Cell>
        <Acts>
          <Button aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? "Hide the changes" : "What it changed"}
          </Button>
          {!isNow && (
            <ConfirmButton
              name="Roll back to this"
              what={`Take the settings back to revision ${revision.revision}?`}
              change={rollback}
              input={(form) => {
                const fields = new Fields(form);
                return {
                  setting: fields.optional("setting") as RuntimeSetting | undefined,
                  reason: fields.optional("reason"),
                  expected_revision: now,
                };
              }}
            >
              <p>It becomes a new revision; nothing of what was is lost.</p>
              <SelectField label="Take back" name="setting" options={SETTINGS} />
              <TextField label="Why (kept with the change)" name="reason" />
            </ConfirmButton>
          )}
        </Acts>
      </Cell>
    </Row>
  );
}

function Diff({ revision }: { revision: number }) {
  return (
    <Loaded query={useQuery(diffQuery(revision))} lines={2}>
      {({ changes, against }) => (
        <div className="mt-2 grid gap-2">
          <p className="text-soft">Against {against === 0 ? "a new daemon" : `revision ${against}`}:</p>
          {changes.length === 0 && <p>nothing</p>}
          {changes.map(({ setting, path, before, after }) => (
            <div key={setting + path} className="font-mono text-xs">
              <p className="font-semibold">{setting + path}</p>
              <Side sign="−" tone="text-bad" value={before} />
              <Side sign="+" tone="text-good" value={after} />
            </div>
          ))}
        </div>
      )}
    </Loaded>
  );
}

function Side({ sign, tone, value }: { sign: string; tone: string; value: unknown }) {
  if (value === undefined) return null;
  return (
    <pre className={`whitespace-pre-wrap wrap-anywhere ${tone}`}>
      {sign} {JSON.stringify(value, undefined, 2)}
    </pre>
  );
}
