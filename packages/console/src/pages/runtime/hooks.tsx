import type { HookDeadLetter, HookDefinition, HookSettings, JsonObject } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { kheish } from "../../app/client.ts";
import { ConfirmButton } from "../../ui/confirm.tsx";
import { AreaField, Disclosure, Fields, TextField } from "../../ui/form.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { useReasonAgainst } from "../../ui/may.tsx";
import { Empty, Time, words } from "../../ui/parts.tsx";
import { RevisedForm } from "../../ui/revised-form.tsx";
import { ACTS, Acts, Cell, Row, Table, Word } from "../../ui/table.tsx";
import { useChange } from "../../ui/use-change.ts";
import { useUntouched } from "../../ui/use-untouched.ts";
import { hookLettersQuery, hooksQuery, runtimeQuery } from "./queries.ts";

const STALE = ["hooks", "runtime", "revisions"];

/** What is called before, at and after what agents do, and what could not be called. */
export function Hooks() {
  return useReasonAgainst("admin") === undefined ? <AllHooks /> : <KnownHooks />;
}

/** What every reader is told: their bodies are redacted. */
function KnownHooks() {
  return <Loaded query={useQuery(runtimeQuery)}>{({ hooks }) => <HookTable settings={hooks} />}</Loaded>;
}

function AllHooks() {
  const query = useQuery(hooksQuery);
  return (
    <div className="grid gap-6">
      <section aria-label="Hooks" className="grid gap-3">
        <Loaded query={query}>
          {(hooks) => (
            <>
              <HookTable settings={hooks.settings} />
              <EditHooks now={hooks} onReload={() => void query.refetch()} />
            </>
          )}
        </Loaded>
      </section>
      <section aria-label="Dead letters" className="grid gap-3">
        <h2 className="font-semibold">Could not be called</h2>
        <Loaded query={useQuery(hookLettersQuery)}>
          {(letters) =>
            letters.length === 0 ? (
              <Empty>Every hook could be called.</Empty>
            ) : (
              <Table columns={["Hook", "Why", "When", ACTS]}>
                {letters.toReversed().map((letter) => (
                  <Letter key={letter.id} letter={letter} />
                ))}
              </Table>
            )
          }
        </Loaded>
      </section>
    </div>
  );
}

function HookTable({ settings }: { settings: HookSettings }) {
  const rows = Object.entries(settings.hooks).flatMap(([event, hooks = []]) =>
    hooks.map((hook) => ({ event, hook })),
  );
  if (rows.length === 0) return <Empty>No hook.</Empty>;
  return (
    <Table columns={["Event", "Hook", "Calls", "If it fails"]}>
      {rows.map(({ event, hook }) => (
        <Row key={`${event} ${hook.name}`}>
          <Cell name="Event">{words(event)}</Cell>
          <Cell name="Hook">
            <b>{hook.name}</b>
            {hook.matcher !== undefined && <div className="font-mono text-xs">{hook.matcher}</div>}
          </Cell>
          <Cell name="Calls">{called(hook)}</Cell>
          <Cell name="If it fails">{hook.failure_policy.mode ?? "as its event says"}</Cell>
        </Row>
      ))}
    </Table>
  );
}

function called({ executor }: HookDefinition): string {
  switch (executor.type) {
    case "command":
      return `command: ${executor.command}`;
    case "http":
      return `http: ${executor.url}`;
    case "callback":
      return `callback: ${executor.name}`;
    default:
      return `${executor.type}: ${executor.template}`;
  }
}

/** The whole of them, as the daemon keeps them. */
function EditHooks({
  now,
  onReload,
}: {
  now: { revision: number; settings: HookSettings };
  onReload: () => void;
}) {
  const begun = useUntouched(now);
  const { shown, release } = begun;
  const put = useChange(
    async (fields: Fields) => {
      const reason = fields.optional("reason");
      return kheish().api.putHooks({
        body: JSON.parse(fields.required("settings")) as JsonObject,
        headers: { "if-match": `"${shown.revision}"` },
        ...(reason !== undefined && { query: { reason } }),
      });
    },
    { stale: STALE, onDone: release },
  );
  return (
    <Disclosure name="Edit the hooks">
      <RevisedForm of={begun} change={put} submit="Replace the hooks" onReload={onReload}>
        <AreaField
          label="Hooks by event (JSON)"
          name="settings"
          rows={14}
          required
          defaultValue={JSON.stringify(shown.settings, undefined, 2)}
        />
        <TextField label="Why (kept with the change)" name="reason" />
      </RevisedForm>
    </Disclosure>
  );
}

function Letter({ letter }: { letter: HookDeadLetter }) {
  const resolve = useChange(
    (reason: string | undefined) =>
      kheish().api.resolveHookDeadLetter({
        params: { dead_letter_id: letter.id },
        body: reason === undefined ? {} : { reason },
      }),
    { stale: ["hook-letters"] },
  );
  return (
    <Row>
      <Cell name="Hook">
        <b>{letter.hook_name}</b>
        <div className="text-soft">
          at {words(letter.event)} {letter.subject}
        </div>
      </Cell>
      <Cell name="Why">
        {letter.error}
        <div className="text-soft">
          {letter.target}, {letter.attempt_count} attempts
        </div>
      </Cell>
      <Cell name="When">
        <Time at={letter.at_ms} />
      </Cell>
      <Cell>
        {letter.resolved_at_ms === undefined ? (
          <Acts>
            <ConfirmButton
              name="Resolve"
              tone="plain"
              what={`Was ${letter.hook_name} looked after?`}
              change={resolve}
              input={(form) => new Fields(form).optional("reason")}
            >
              <TextField label="What was done" name="reason" />
            </ConfirmButton>
          </Acts>
        ) : (
          <Word tone="good">resolved</Word>
        )}
        <span className="text-soft"> {letter.resolution_reason}</span>
      </Cell>
    </Row>
  );
}
