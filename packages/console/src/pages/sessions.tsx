import type { SessionViewSummary } from "@kheish/sdk";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { kheish } from "../app/client.ts";
import { sessionsQuery } from "../app/queries.ts";
import { Loaded } from "../ui/loaded.tsx";
import { Button, Empty, Failure, Time, Title, words } from "../ui/parts.tsx";

/** The durable threads of the daemon. */
export function Sessions() {
  return (
    <>
      <Title aside={<Start />}>Sessions</Title>
      <Loaded query={useQuery(sessionsQuery)}>
        {(sessions) =>
          sessions.length === 0 ? (
            <Empty>No session yet. Start a chat: it lives in the daemon, whether you look or not.</Empty>
          ) : (
            <SessionTable sessions={sessions.toSorted((a, b) => b.updated_at_ms - a.updated_at_ms)} />
          )
        }
      </Loaded>
    </>
  );
}

function SessionTable({ sessions }: { sessions: readonly SessionViewSummary[] }) {
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
      {sessions.map((session) => (
        <li key={session.session_id}>
          <Link
            to="/sessions/$sessionId/chat"
            params={{ sessionId: session.session_id }}
            className="grid gap-x-4 gap-y-1 px-4 py-3 hover:bg-canvas md:grid-cols-[1fr_12rem_8rem_11rem]"
          >
            <span className="wrap-anywhere font-medium text-accent">{session.session_id}</span>
            <span>{words(session.status)}</span>
            <span className="text-soft">
              {session.queued_run_count > 0 ? `${session.queued_run_count} queued` : ""}
            </span>
            <span className="text-soft">
              <Time at={session.updated_at_ms} />
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Start() {
  const navigate = useNavigate();
  const start = useMutation({
    mutationFn: () => kheish().sessions.create(),
    onSuccess: ({ id }) => navigate({ to: "/sessions/$sessionId/chat", params: { sessionId: id } }),
  });
  return (
    <div className="flex items-center gap-2">
      {start.error && <Failure error={start.error} />}
      <Button tone="primary" disabled={start.isPending} onClick={() => start.mutate()}>
        New chat
      </Button>
    </div>
  );
}
