import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { kheish } from "../../app/client.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Button, Failure } from "../../ui/parts.tsx";

/** Makes a session that stays, set as the bench is. */
export function Promote({ benchId }: { benchId: string }) {
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  const promote = useMutation({
    mutationFn: (name: string) => promoted(benchId, name),
    onSuccess: (sessionId) => navigate({ to: "/sessions/$sessionId/chat", params: { sessionId } }),
  });
  return (
    <>
      <Button tone="primary" onClick={() => setOpen(true)}>
        Promote
      </Button>
      {isOpen && (
        <Dialog label="Promote to a session" onClose={() => setOpen(false)} className="w-[min(28rem,94vw)]">
          <form
            className="grid gap-4 p-5"
            onSubmit={(event) => {
              event.preventDefault();
              promote.mutate(String(new FormData(event.currentTarget).get("name")).trim());
            }}
          >
            <h2 className="text-lg font-semibold">Promote to a session</h2>
            <p className="text-soft">
              The session gets the bench's route, tools, operator and contracts. It begins with an empty
              conversation; the bench is ended.
            </p>
            <label className="grid gap-1 font-medium">
              Its name
              <input
                name="name"
                required
                placeholder="support-agent"
                className="rounded-md border border-line bg-canvas px-3 py-2"
              />
            </label>
            {promote.error && <Failure error={promote.error} />}
            <div className="flex gap-2">
              <Button tone="primary" type="submit" disabled={promote.isPending}>
                Promote
              </Button>
              <Button onClick={(event) => event.currentTarget.closest("dialog")?.close()}>Cancel</Button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}

/**
 * As the bench is now, not as the page last saw it: what was set a moment ago comes along. A name that is taken is refused
 * before anything of it is changed.
 */
async function promoted(benchId: string, name: string): Promise<string> {
  const { sessions, api } = kheish();
  const { view: bench } = await sessions.get(benchId);
  const { capability_scope, credential_scope, route_policy, tool_overrides, operator } = bench;
  const { view, id } = await sessions.create({
    session: name,
    ...(capability_scope !== undefined && { capability_scope }),
    ...(credential_scope !== undefined && { credential_scope }),
  });
  if (view.created === false) throw new Error(`There is a session '${name}' already.`);
  const params = { session_id: id };
  if (route_policy !== undefined) await api.putRoutePolicy({ params, body: { route_policy } });
  if (tool_overrides !== undefined) await api.putToolOverrides({ params, body: { tool_overrides } });
  if (operator !== undefined) await api.putOperator({ params, body: { operator } });
  if (bench.input_contract !== undefined) {
    const { schema } = bench.input_contract;
    await api.putInputContract({ params, body: { schema } });
  }
  if (bench.output_contract !== undefined)
    await api.putOutputContract({ params, body: bench.output_contract });
  await sessions.end(benchId, { reason: `promoted to ${name}` });
  return id;
}
