import type { AuthProvider, AuthSlotStatus, RuntimeSettingsView } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { kheish } from "../../app/client.ts";
import { ConfirmButton } from "../../ui/confirm.tsx";
import { ChangeForm, Disclosure, Fields, SelectField, TextField } from "../../ui/form.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { Empty, Time, words } from "../../ui/parts.tsx";
import { ACTS, Acts, Cell, Row, Table, Word } from "../../ui/table.tsx";
import { useChange } from "../../ui/use-change.ts";
import { runtimeQuery, secretsQuery } from "./queries.ts";

const STALE = ["secrets", "routes", "runtime", "mcp"];

/** Where secrets live. Values go in and never come out (08-R3). */
export function Secrets() {
  const { data: runtime } = useQuery(runtimeQuery);
  return (
    <div className="grid gap-4">
      <Loaded query={useQuery(secretsQuery)}>
        {(slots) =>
          slots.length === 0 ? (
            <Empty>No secret yet. What is put in here is used by routes and servers, and never shown.</Empty>
          ) : (
            <Table columns={["Slot", "Holds", "Used by", ACTS]}>
              {slots.map((slot) => (
                <Slot key={slot.slot_id} slot={slot} users={usersOf(slot.slot_id, runtime)} />
              ))}
            </Table>
          )
        }
      </Loaded>
      <PutSecret />
    </div>
  );
}

/** What is configured to use a slot. */
function usersOf(slot: string, runtime: RuntimeSettingsView | undefined): string[] {
  const routes = runtime?.routes?.filter(({ auth_ref }) => auth_ref === slot) ?? [];
  const servers = runtime?.mcp?.servers.filter((one) => one.credential_secret_refs.includes(slot)) ?? [];
  return [
    ...routes.map(({ route_id }) => `route ${route_id}`),
    ...servers.map(({ server }) => `MCP server ${server}`),
  ];
}

function Slot({ slot, users }: { slot: AuthSlotStatus; users: readonly string[] }) {
  const params = { slot: slot.slot_id };
  const remove = useChange(() => kheish().api.deleteSecret({ params: { ref: slot.slot_id } }), {
    stale: STALE,
  });
  const revoke = useChange(() => kheish().api.revokeSlotLeases({ params }), { stale: STALE });
  const disable = useChange((reason: string) => kheish().api.disableSlot({ params, body: { reason } }), {
    stale: STALE,
  });
  const enable = useChange(() => kheish().api.enableSlot({ params }), { stale: STALE });
  return (
    <Row>
      <Cell name="Slot">
        <b>{slot.slot_id}</b>
        <div className="text-soft">
          since <Time at={slot.updated_at_ms} />
        </div>
      </Cell>
      <Cell name="Holds">
        {words(slot.mode)} <span className="text-soft">{words(slot.provider)}</span>
        {slot.disabled === true && (
          <div>
            <Word tone="bad">disabled</Word> <span className="text-soft">{slot.disabled_reason}</span>
          </div>
        )}
        {slot.account_state !== undefined && (
          <div>
            <Word tone={slot.account_state === "ready" ? "good" : "wait"}>{words(slot.account_state)}</Word>
          </div>
        )}
      </Cell>
      <Cell name="Used by">{users.length === 0 ? "nothing that is configured" : users.join(", ")}</Cell>
      <Cell>
        <Acts>
          <ConfirmButton
            name="Revoke leases"
            tone="plain"
            what={`End the leases on ${slot.slot_id}?`}
            change={revoke}
            input={() => undefined}
          >
            <p>
              Whoever uses it asks again at its next call, and gets it again while the slot is not disabled.
            </p>
          </ConfirmButton>
          {slot.disabled === true ? (
            <ConfirmButton
              name="Enable"
              tone="plain"
              what={`Let ${slot.slot_id} be used again?`}
              change={enable}
              input={() => undefined}
            />
          ) : (
            <ConfirmButton
              name="Disable"
              what={`Keep ${slot.slot_id} and let nobody use it?`}
              change={disable}
              input={(form) => new Fields(form).required("reason")}
            >
              {users.length > 0 && <p>In use by {users.join(", ")}.</p>}
              <TextField label="Why" name="reason" required />
            </ConfirmButton>
          )}
          <ConfirmButton
            name="Delete"
            what={`Delete ${slot.slot_id}?`}
            change={remove}
            input={() => undefined}
          >
            <p>The secret is gone, and its leases end. Nobody has it but whoever gave it.</p>
            {users.length > 0 && <p>Refused while it is in use by {users.join(", ")}.</p>}
          </ConfirmButton>
        </Acts>
      </Cell>
    </Row>
  );
}

const KINDS: readonly (readonly [kind: string, name: string])[] = [
  ["generic", "any secret"],
  ["open_ai", "API key of OpenAI"],
  ["anthropic", "API key of Anthropic"],
  ["google", "API key of Google"],
  ["open_router", "API key of OpenRouter"],
  ["x_ai", "API key of xAI"],
];

function PutSecret() {
  const put = useChange(write, { stale: STALE });
  return (
    <Disclosure name="Put a secret">
      <ChangeForm change={put} submit="Put it in">
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField
            label="Slot"
            name="slot_id"
            required
            placeholder="tools.weather.API_KEY"
            hint="One that is there gets the new value, and is enabled."
          />
          <SelectField label="Kind" name="kind" options={KINDS} />
        </div>
        <TextField
          label="Value"
          name="value"
          type="password"
          required
          hint="Write-only: it is encrypted, used, and never shown."
        />
      </ChangeForm>
    </Disclosure>
  );
}

function write(fields: Fields) {
  const slot_id = fields.required("slot_id");
  const provider = fields.required("kind") as AuthProvider;
  const value = fields.exact("value");
  return kheish().api.putSecret({
    body:
      provider === "generic"
        ? { slot_id, provider, mode: "opaque_secret", state: { value } }
        : { slot_id, provider, mode: "api_key", state: { kind: "api_key", api_key: value } },
  });
}
