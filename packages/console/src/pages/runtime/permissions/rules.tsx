import type { PermissionRule, SetPermissionRuleRequest } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { kheish } from "../../../app/client.ts";
import { ConfirmButton } from "../../../ui/confirm.tsx";
import {
  AreaField,
  ChangeForm,
  Disclosure,
  type Fields,
  MomentField,
  SelectField,
  TextField,
} from "../../../ui/form.tsx";
import { Loaded } from "../../../ui/loaded.tsx";
import { Button, Card, Empty, Time } from "../../../ui/parts.tsx";
import { ACTS, Acts, Cell, Row, Table, Word } from "../../../ui/table.tsx";
import { useChange } from "../../../ui/use-change.ts";
import { rulesQuery } from "../queries.ts";

const STALE = ["rules", "matrix"];
const TONES = { allow: "good", ask: "wait", deny: "bad" } as const;

/** The rules that somebody made for the whole daemon; sessions have their own beside them. */
export function Rules() {
  const query = useQuery(rulesQuery);
  const [edited, setEdited] = useState<PermissionRule>();
  const reload = () => {
    setEdited(undefined);
    void query.refetch();
  };
  return (
    <section aria-label="Rules" className="grid gap-3">
      <h2 className="font-semibold">Rules</h2>
      <Loaded query={query}>
        {(rules) =>
          rules.length === 0 ? (
            <Empty>No rule: the mode and the built-in rules decide.</Empty>
          ) : (
            <Table columns={["Tools", "What happens", "Scope", ACTS]}>
              {rules.map((rule) => (
                <RuleRow key={rule.rule_id} rule={rule} onEdit={() => setEdited(rule)} />
              ))}
            </Table>
          )
        }
      </Loaded>
      {edited === undefined ? (
        <Disclosure name="Make a rule">
          <MakeRule />
        </Disclosure>
      ) : (
        <Card>
          <EditRule
            key={edited.rule_id}
            rule={edited}
            // Somebody may have gone on to another one before this was taken.
            onDone={() => setEdited((now) => (now === edited ? undefined : now))}
            onReload={reload}
          />
        </Card>
      )}
    </section>
  );
}

function RuleRow({ rule, onEdit }: { rule: PermissionRule; onEdit: () => void }) {
  const remove = useChange(
    (revision: number) =>
      kheish().api.deletePermissionRule({
        params: { rule_id: rule.rule_id },
        query: { expected_revision: revision },
      }),
    { stale: STALE },
  );
  return (
    <Row>
      <Cell name="Tools">
        <b className="font-mono">{rule.tool_name_pattern}</b>
        <div className="text-soft">
          {rule.rule_id}, by {rule.updated_by}
        </div>
        {rule.match !== undefined && <div className="font-mono text-xs">{JSON.stringify(rule.match)}</div>}
        {rule.input_digest !== undefined && <div className="text-soft">for one input only</div>}
      </Cell>
      <Cell name="Happens">
        <Word tone={TONES[rule.behavior]}>{rule.behavior}</Word>
        {(rule.required_approvals ?? 1) > 1 && ` by ${rule.required_approvals} people`}
        <div className="text-soft">{rule.reason}</div>
        {rule.expires_at_ms !== undefined && (
          <div className="text-soft">
            until <Time at={rule.expires_at_ms} />
          </div>
        )}
      </Cell>
      <Cell name="Scope">{rule.scope}</Cell>
      <Cell>
        <Acts>
          {rule.origin === "operator" && (
            <Button verb="admin" onClick={onEdit}>
              Edit
            </Button>
          )}
          <ConfirmButton
            name="Delete"
            what={`Delete the rule ${rule.rule_id}?`}
            change={remove}
            input={() => rule.revision}
          >
            <p>
              It says <b>{rule.behavior}</b> for <code>{rule.tool_name_pattern}</code>. What decides instead
              holds from the next tool call on.
            </p>
          </ConfirmButton>
        </Acts>
      </Cell>
    </Row>
  );
}

function MakeRule() {
  const make = useChange(
    (fields: Fields) => {
      const rule_id = fields.optional("rule_id");
      return kheish().api.createPermissionRule({
        body: { ...definitionIn(fields), ...(rule_id !== undefined && { rule_id }) },
      });
    },
    { stale: STALE },
  );
  return (
    <ChangeForm change={make} submit="Make the rule">
      <TextField label="Name" name="rule_id" hint="Left out: one that is free." />
      <Definition />
    </ChangeForm>
  );
}

function EditRule({
  rule,
  onDone,
  onReload,
}: {
  rule: PermissionRule;
  onDone: () => void;
  onReload: () => void;
}) {
  const set = useChange(
    (fields: Fields) =>
      kheish().api.setPermissionRule({
        params: { rule_id: rule.rule_id },
        body: { ...definitionIn(fields, rule), expected_revision: rule.revision },
      }),
    { stale: STALE, onDone },
  );
  return (
    <ChangeForm change={set} submit="Replace the rule" onReload={onReload}>
      <h3 className="font-semibold">The rule {rule.rule_id}</h3>
      <Definition rule={rule} />
      <div>
        <Button onClick={onDone}>Leave it</Button>
      </div>
    </ChangeForm>
  );
}

function Definition({ rule }: { rule?: PermissionRule }) {
  return (
    <>
      <div className="grid gap-3 sm:grid-cols-2">
        <TextField
          label="Tools"
          name="tool_name_pattern"
          required
          defaultValue={rule?.tool_name_pattern}
          placeholder="bash"
          hint="A name, prefix* or *."
        />
        <SelectField
          label="What happens"
          name="behavior"
          options={["allow", "ask", "deny"]}
          defaultValue={rule?.behavior ?? "ask"}
        />
        <SelectField
          label="Scope"
          name="scope"
          options={["user", "project"]}
          defaultValue={rule?.scope ?? "user"}
          hint="Rules of the project come before those of the user."
        />
        <TextField
          label="People who have to allow it"
          name="required_approvals"
          type="number"
          min={1}
          max={5}
          defaultValue={rule?.required_approvals}
          hint="Of an ask; 1 when left out."
        />
      </div>
      <AreaField
        label="Only calls like these (JSON)"
        name="match"
        rows={3}
        defaultValue={rule?.match === undefined ? "" : JSON.stringify(rule.match, undefined, 2)}
        placeholder='{"path": ["src/**"]}'
        hint="By path, command or host, as the documentation of permissions has them; all calls when left out."
      />
      <TextField
        label="Why"
        name="reason"
        defaultValue={rule?.reason}
        hint="Told to whoever is asked or denied."
      />
      <MomentField
        label="Ends at"
        name="expires_at_ms"
        at={rule?.expires_at_ms}
        hint="In your time; it holds until somebody deletes it when left out."
      />
    </>
  );
}

/** All of a rule: what is left out of a replacement is gone. `before`: what the fields began with. */
function definitionIn(fields: Fields, before?: PermissionRule): SetPermissionRuleRequest {
  const match = fields.json<NonNullable<SetPermissionRuleRequest["match"]>>("match");
  const reason = fields.optional("reason");
  const required_approvals = fields.number("required_approvals");
  const expires_at_ms = fields.moment("expires_at_ms", before?.expires_at_ms);
  return {
    scope: fields.required("scope") as SetPermissionRuleRequest["scope"],
    tool_name_pattern: fields.required("tool_name_pattern"),
    behavior: fields.required("behavior") as SetPermissionRuleRequest["behavior"],
    ...(match !== undefined && { match }),
    ...(reason !== undefined && { reason }),
    ...(required_approvals !== undefined && { required_approvals }),
    ...(expires_at_ms !== undefined && { expires_at_ms }),
  };
}
