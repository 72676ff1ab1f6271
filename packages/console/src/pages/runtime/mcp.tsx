import type { McpServerView } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { kheish } from "../../app/client.ts";
import { ConfirmButton } from "../../ui/confirm.tsx";
import { ChangeForm, Disclosure, type Fields, SelectField, TextField } from "../../ui/form.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { useReasonAgainst } from "../../ui/may.tsx";
import { Button, Empty, Time, words } from "../../ui/parts.tsx";
import { Refusal } from "../../ui/refusal.tsx";
import { ACTS, Acts, Cell, Row, Table, Word } from "../../ui/table.tsx";
import { useChange } from "../../ui/use-change.ts";
import { mcpQuery, runtimeQuery } from "./queries.ts";

const STALE = ["mcp", "runtime"];
const SOURCES = {
  codex_config: "from the configuration",
  built_in_catalog: "from the catalogue",
  runtime_api: "added here",
};

/** Servers whose tools agents can call. */
export function McpServers() {
  return useReasonAgainst("admin") === undefined ? <AllServers /> : <KnownServers />;
}

/** What every reader is told. */
function KnownServers() {
  return (
    <Loaded query={useQuery(runtimeQuery)}>
      {({ mcp }) => <ServerTable servers={mcp?.servers ?? []} />}
    </Loaded>
  );
}

function AllServers() {
  const reload = useChange(() => kheish().api.reloadMcp(), { stale: STALE });
  return (
    <div className="grid gap-4">
      <div className="grid justify-items-start gap-2">
        <Button tone="primary" verb="admin" disabled={reload.isPending} onClick={() => reload.mutate()}>
          Reload and connect again
        </Button>
        {reload.error && <Refusal error={reload.error} />}
        {reload.data && (
          <p role="status" className="text-soft">
            {summary(reload.data)}
          </p>
        )}
      </div>
      <Loaded query={useQuery(mcpQuery)}>{({ servers }) => <ServerTable servers={servers} />}</Loaded>
      <AddServer />
    </div>
  );
}

function summary(done: { added: string[]; removed: string[]; changed: string[] }): string {
  const parts = (["added", "removed", "changed"] as const).flatMap((name) =>
    done[name].length === 0 ? [] : [`${name}: ${done[name].join(", ")}`],
  );
  return parts.length === 0 ? "The configuration is as it was." : parts.join("; ");
}

function ServerTable({ servers }: { servers: readonly McpServerView[] }) {
  if (servers.length === 0) return <Empty>No MCP server. Agents have the built-in tools.</Empty>;
  return (
    <Table columns={["Server", "Health", "Tools", ACTS]}>
      {servers.map((server) => (
        <Server key={server.server} server={server} />
      ))}
    </Table>
  );
}

function Server({ server }: { server: McpServerView }) {
  const { health, tools } = server;
  const remove = useChange(() => kheish().api.removeMcpServer({ params: { name: server.server } }), {
    stale: STALE,
  });
  return (
    <Row>
      <Cell name="Server">
        <b>{server.server}</b>
        <div className="text-soft">
          {words(server.transport)}, {SOURCES[server.source]}
          {server.required && ", required"}
        </div>
      </Cell>
      <Cell name="Health">
        <Word tone={server.connected ? "good" : health.state === "connecting" ? "wait" : "bad"}>
          {words(health.state)}
        </Word>
        {server.error !== undefined && <div className="text-bad">{server.error}</div>}
        <div className="text-soft">
          {health.server_version}
          {health.next_attempt_at_ms !== undefined && (
            <>
              {" "}
              tries again at <Time at={health.next_attempt_at_ms} />
            </>
          )}
        </div>
      </Cell>
      <Cell name="Tools">
        {tools.length === 0 ? (
          "none"
        ) : (
          <details>
            <summary className="cursor-pointer">
              {tools.length === 1 ? "1 tool" : `${tools.length} tools`}
            </summary>
            <ul className="font-mono text-xs">
              {tools.map((tool) => (
                <li key={tool}>{tool}</li>
              ))}
            </ul>
          </details>
        )}
      </Cell>
      <Cell>
        <Acts>
          {server.source === "runtime_api" && (
            <ConfirmButton
              name="Remove"
              what={`Disconnect and forget ${server.server}?`}
              change={remove}
              input={() => undefined}
            >
              <p>Its tools are gone for every session from the next model call on.</p>
            </ConfirmButton>
          )}
        </Acts>
      </Cell>
    </Row>
  );
}

function AddServer() {
  const add = useChange(
    (fields: Fields) =>
      kheish().api.addMcpServer({ body: { name: fields.required("name"), config: entryIn(fields) } }),
    { stale: STALE },
  );
  return (
    <Disclosure name="Add an MCP server">
      <ChangeForm change={add} submit="Connect">
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField label="Name" name="name" required placeholder="github" />
          <SelectField
            label="Reached by"
            name="transport"
            options={[
              ["http", "an address (streamable HTTP)"],
              ["stdio", "a program on the daemon's machine"],
            ]}
          />
        </div>
        <TextField
          label="Address or command line"
          name="target"
          required
          placeholder="https://example.com/mcp"
          hint="A command line is split at spaces; no shell reads it."
        />
        <TextField
          label="Secret slot with its bearer token"
          name="slot"
          hint="Of servers with an address that ask for one. Put the token under Secrets first."
        />
      </ChangeForm>
    </Disclosure>
  );
}

function entryIn(fields: Fields) {
  const target = fields.required("target");
  if (fields.required("transport") === "stdio") {
    const [command = "", ...args] = target.split(/\s+/);
    return { command, args };
  }
  const slot = fields.optional("slot");
  return { url: target, ...(slot !== undefined && { bearer_token_secret_ref: slot }) };
}
