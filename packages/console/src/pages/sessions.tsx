import type { SessionViewSummary } from "@kheish/sdk";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useDeferredValue, useMemo, useState } from "react";
import { kheish } from "../app/client.ts";
import { sessionsQuery } from "../app/queries.ts";
import { Ago } from "../ui/countdown.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Button, Empty, Failure, money, Title, words } from "../ui/parts.tsx";
import { VirtualList } from "../ui/virtual-list.tsx";
import { Visible } from "../ui/visible.tsx";

/** The durable threads of the daemon, those first in which something happened last. */
export function Sessions() {
  const [typed, setTyped] = useState("");
  return (
    <>
      <Title aside={<Start />}>Sessions</Title>
      <input
        type="search"
        aria-label="Sessions whose name has"
        placeholder="Search by name"
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        className="mb-3 w-full rounded-md border border-line bg-surface px-3 py-2 md:max-w-xs"
      />
      <Loaded query={useQuery(sessionsQuery)}>
        {(sessions) =>
          sessions.length === 0 ? (
            <Empty>No session yet. Start a chat: it lives in the daemon, whether you look or not.</Empty>
          ) : (
            <SessionTable sessions={sessions} typed={typed} />
          )
        }
      </Loaded>
    </>
  );
}

const ROW_HEIGHT = 45;

function SessionTable({ sessions, typed }: { sessions: readonly SessionViewSummary[]; typed: string }) {
  const wanted = useDeferredValue(typed.toLowerCase());
  const shown = useMemo(
    () =>
      sessions
        .filter(({ session_id }) => session_id.toLowerCase().includes(wanted))
        .sort((a, b) => b.updated_at_ms - a.updated_at_ms),
    [sessions, wanted],
  );
  if (shown.length === 0) return <Empty>No session's name has this.</Empty>;
  return (
    <VirtualList
      items={shown}
      keyOf={({ session_id }) => session_id}
      rowHeight={ROW_HEIGHT}
      label="Sessions"
      className="rounded-lg border border-line bg-surface"
    >
      {(session) => <Row session={session} />}
    </VirtualList>
  );
}

const TONES: Partial<Record<SessionViewSummary["status"], string>> = {
  running: "text-work",
  waiting_for_approval: "text-wait",
  waiting_for_user_input: "text-wait",
  failed: "text-bad",
};

function Row({ session }: { session: SessionViewSummary }) {
  const { session_id, status, queued_run_count: queued, usage } = session;
  return (
    <Link
      to="/sessions/$sessionId/chat"
      params={{ sessionId: session_id }}
      className="grid grid-cols-[1fr_auto] items-center gap-x-4 gap-y-1 border-b border-line px-4 py-3 hover:bg-canvas md:grid-cols-[1fr_12rem_6rem_5rem_6rem]"
    >
      <bdi className="wrap-anywhere font-medium text-accent">
        <Visible text={session_id} />
      </bdi>
      <span className={`max-md:text-right ${TONES[status] ?? "text-soft"}`}>{words(status)}</span>
      <span className="text-soft empty:hidden md:empty:inline">{queued > 0 ? `${queued} queued` : ""}</span>
      <span className="hidden text-right text-soft tabular-nums md:block">
        {usage?.cost_microusd === undefined ? "" : money(usage.cost_microusd)}
      </span>
      <span className="text-right whitespace-nowrap text-soft max-md:col-start-2">
        <Ago at={session.updated_at_ms} />
      </span>
    </Link>
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
