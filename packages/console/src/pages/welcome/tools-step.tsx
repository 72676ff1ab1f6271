import type { McpServerView } from "@kheish/sdk";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { kheish } from "../../app/client.ts";
import { Button, Card, Failure } from "../../ui/parts.tsx";
import { Field } from "./field.tsx";
import { FEATURED, type FeaturedServer } from "./servers.ts";

const mcpQuery = {
  queryKey: ["mcp"],
  queryFn: ({ signal }: { signal: AbortSignal }) => kheish().api.getMcp({ signal }),
};

/** What agents can reach beside the workspace. */
export function ToolsStep({ onDone }: { onDone: () => void }) {
  const mcp = useQuery(mcpQuery);
  return (
    <>
      <p>
        Agents read and write the workspace and run commands, which you approve. MCP servers bring more. Each
        call of theirs asks you as well, until a rule says otherwise.
      </p>
      {mcp.error ? (
        <Card>
          <p className="text-wait">This daemon cannot add servers while it runs.</p>
        </Card>
      ) : (
        <div className="grid gap-3 md:grid-cols-2">
          {FEATURED.map((server) => (
            <ServerCard
              key={server.name}
              server={server}
              added={mcp.data?.servers.find((one) => one.server === server.name)}
            />
          ))}
        </div>
      )}
      <div>
        <Button tone="primary" verb="read" onClick={onDone}>
          Continue
        </Button>
      </div>
    </>
  );
}

function ServerCard({ server, added }: { server: FeaturedServer; added: McpServerView | undefined }) {
  const client = useQueryClient();
  const [isOpen, setOpen] = useState(false);
  const add = useMutation({
    mutationFn: (credential: string) => withCredential(server, credential),
    onSuccess: () => setOpen(false),
    onSettled: () => client.invalidateQueries({ queryKey: mcpQuery.queryKey }),
  });
  return (
    <Card className="grid content-start gap-2">
      <h2 className="font-semibold">{server.title}</h2>
      <p className="text-soft">{server.description}</p>
      {added !== undefined ? (
        <p className={added.connected ? "text-good" : "text-wait"}>
          {added.connected
            ? `Connected, ${added.tools.length} tools`
            : `Added, not connected${added.error === undefined ? "" : `: ${added.error}`}`}
        </p>
      ) : isOpen ? (
        <form
          className="grid gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            add.mutate(String(new FormData(event.currentTarget).get("credential")).trim());
          }}
        >
          <Field label={server.credential} name="credential" type="password" required />
          <p className="text-xs text-soft">From {server.from}</p>
          {add.error && <Failure error={add.error} />}
          <div className="flex gap-2">
            <Button tone="primary" type="submit" verb="admin" disabled={add.isPending}>
              {add.isPending ? "Connects" : "Add"}
            </Button>
            <Button onClick={() => setOpen(false)}>Cancel</Button>
          </div>
        </form>
      ) : (
        <div>
          <Button aria-label={`Add ${server.title}`} verb="admin" onClick={() => setOpen(true)}>
            Add
          </Button>
        </div>
      )}
    </Card>
  );
}

/** The credential goes into a slot first; the server's entry names the slot only. */
async function withCredential({ name, entry }: FeaturedServer, value: string): Promise<void> {
  const slot_id = `mcp.${name}.token`;
  await kheish().api.putSecret({
    body: { slot_id, provider: "generic", mode: "opaque_secret", state: { value } },
  });
  await kheish().api.addMcpServer({ body: { name, server: entry(slot_id) } });
}
