import type { CreatedToken, TokenView, Verb } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { kheish } from "../../app/client.ts";
import { ConfirmButton } from "../../ui/confirm.tsx";
import { ChangeForm, Disclosure, type Fields, TextField } from "../../ui/form.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { Button, Card, Empty, Time } from "../../ui/parts.tsx";
import { ACTS, Acts, Cell, Row, Table } from "../../ui/table.tsx";
import { useChange } from "../../ui/use-change.ts";
import { tokensQuery } from "./queries.ts";

const STALE = ["tokens"];
const VERBS: readonly (readonly [verb: Verb, meaning: string])[] = [
  ["read", "see what is there"],
  ["write", "give work, decide, answer"],
  ["admin", "settings, secrets, tokens"],
];
const DAY_MS = 86_400_000;

/** Who may call the daemon, beside the two tokens it was started with. */
export function Tokens() {
  const [created, setCreated] = useState<CreatedToken>();
  return (
    <div className="grid gap-4">
      {created !== undefined && <Secret token={created} onTaken={() => setCreated(undefined)} />}
      <Loaded query={useQuery(tokensQuery)}>
        {(tokens) =>
          tokens.length === 0 ? (
            <Empty>No named token. Give each person and program its own: it can be revoked alone.</Empty>
          ) : (
            <Table columns={["Token", "May", "Good until", ACTS]}>
              {tokens.map((token) => (
                <Token key={token.token_id} token={token} />
              ))}
            </Table>
          )
        }
      </Loaded>
      <CreateToken onCreated={setCreated} />
    </div>
  );
}

function Secret({ token, onTaken }: { token: CreatedToken; onTaken: () => void }) {
  return (
    <Card className="grid gap-2 border-accent">
      <h2 className="font-semibold">The token {token.name}</h2>
      <p>This is the only time that it is shown. Take it along now.</p>
      <input
        readOnly
        aria-label="The new token"
        value={token.secret}
        onFocus={(event) => event.target.select()}
        className="w-full rounded-md border border-line bg-canvas px-3 py-2 font-mono text-xs"
      />
      <div className="flex gap-2">
        <Button onClick={() => void navigator.clipboard?.writeText(token.secret)}>Copy</Button>
        <Button onClick={onTaken}>I have it</Button>
      </div>
    </Card>
  );
}

function Token({ token }: { token: TokenView }) {
  const revoke = useChange(() => kheish().api.revokeToken({ params: { token_id: token.token_id } }), {
    stale: STALE,
  });
  return (
    <Row>
      <Cell name="Token">
        <b>{token.name}</b>
        <div className="text-soft">
          by {token.created_by}, <Time at={token.created_at_ms} />
        </div>
      </Cell>
      <Cell name="May">
        {token.verbs.join(", ")}
        <div className="font-mono text-xs">{token.resources.join(" ")}</div>
      </Cell>
      <Cell name="Good until">
        {token.expires_at_ms === undefined ? "no end is set" : <Time at={token.expires_at_ms} />}
        <div className="text-soft">
          {token.last_used_at_ms === undefined ? (
            "never used"
          ) : (
            <>
              used <Time at={token.last_used_at_ms} />
            </>
          )}
        </div>
      </Cell>
      <Cell>
        <Acts>
          <ConfirmButton name="Revoke" what={`Revoke ${token.name}?`} change={revoke} input={() => undefined}>
            <p>
              It is refused from the next request on, its streams end, and so does every token that was
              created with it.
            </p>
          </ConfirmButton>
        </Acts>
      </Cell>
    </Row>
  );
}

function CreateToken({ onCreated }: { onCreated: (token: CreatedToken) => void }) {
  const create = useChange(
    (fields: Fields) => {
      const days = fields.number("days");
      return kheish().api.createToken({
        body: {
          name: fields.required("name"),
          verbs: fields.all("verb") as Verb[],
          resources: fields.required("resources").split(/\s+/),
          ...(days !== undefined && { expires_in_ms: Math.round(days * DAY_MS) }),
        },
      });
    },
    { stale: STALE, onDone: onCreated },
  );
  return (
    <Disclosure name="Create a token">
      <ChangeForm change={create} submit="Create token">
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField label="Name" name="name" required placeholder="ana" />
          <TextField
            label="Good for days"
            name="days"
            type="number"
            min={0}
            step="any"
            hint="Until it is revoked when left out."
          />
        </div>
        <fieldset className="flex flex-wrap gap-x-6 gap-y-2">
          <legend className="mb-1 font-medium">May</legend>
          {VERBS.map(([verb, meaning]) => (
            <label key={verb} className="flex items-center gap-2">
              <input type="checkbox" name="verb" value={verb} defaultChecked={verb === "read"} />
              {verb} <span className="text-soft">{meaning}</span>
            </label>
          ))}
        </fieldset>
        <TextField
          label="Resources"
          name="resources"
          required
          defaultValue="*"
          hint="Paths behind /v1/ with what is below them, * for one segment's characters: sessions/team-a-*"
        />
      </ChangeForm>
    </Disclosure>
  );
}
