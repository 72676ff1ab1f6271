import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { kheish } from "../../app/client.ts";
import { Button, Card, Failure } from "../../ui/parts.tsx";

/** What waits behind the session's active run, in order; each can be called off. `count` is what the session says. */
export function Queue({ sessionId, count }: { sessionId: string; count: number }) {
  const client = useQueryClient();
  const queue = useQuery({
    queryKey: ["session", sessionId, "queue", count],
    queryFn: ({ signal }) =>
      kheish()
        .runs.list({ session_id: sessionId, status: ["queued"], signal })
        .toArray(),
    enabled: count > 0,
  });
  const cancel = useMutation({
    mutationFn: (run_id: string) => kheish().api.cancelRun({ params: { run_id } }),
    onSettled: () => client.invalidateQueries({ queryKey: ["session", sessionId] }),
  });
  if (count === 0) return null;
  return (
    <Card className="grid grid-cols-1 gap-2">
      <h2 className="font-semibold">
        {count === 1 ? "1 run waits for its turn" : `${count} runs wait for their turn`}
      </h2>
      {cancel.error && <Failure error={cancel.error} />}
      <ol aria-label="Queue" className="grid grid-cols-1 gap-2">
        {queue.data?.map((run) => (
          <li key={run.run_id} className="flex items-center gap-2">
            <Link className="text-accent underline" to="/runs/$runId" params={{ runId: run.run_id }}>
              {run.run_id}
            </Link>
            <span className="min-w-0 flex-1 truncate text-soft">{run.request.text_preview}</span>
            <Button
              verb="write"
              aria-label={`Cancel ${run.run_id}`}
              disabled={cancel.isPending}
              onClick={() => cancel.mutate(run.run_id)}
            >
              Cancel
            </Button>
          </li>
        ))}
      </ol>
    </Card>
  );
}
