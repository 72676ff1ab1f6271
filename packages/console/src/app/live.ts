import type { RunView, SessionViewSummary, StreamFrame } from "@kheish/sdk";
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { kheish, useSignedInAs } from "./client.ts";
import { type Loaded, withRun, withSession, withWaiting } from "./lists.ts";
import { isNotifying, notifyOf } from "./notify.ts";
import { runEventsQuery, runQuery, sessionQuery, sessionsQuery, waitingQuery } from "./queries.ts";
import { whileVisible } from "./while-visible.ts";

/** Events come in bursts; what they make stale is read again this often at most. */
const REFRESH_MS = 300;
/** More sessions than these that moved at once are listed anew, not asked for one by one. */
const MOST_SESSIONS = 20;

export type Connection = "connecting" | "open" | "lost" | "refused";

/** Keeps what is shown in step with the daemon: one stream for the whole console. */
export function useLive(): Connection {
  const client = useQueryClient();
  const navigate = useNavigate();
  const signedInAs = useSignedInAs();
  const [connection, setConnection] = useState<Connection>("connecting");
  useEffect(() => {
    void signedInAs;
    const leaving = new AbortController();
    const stale = new Stale(client);
    const timer = setInterval(() => stale.refresh(), REFRESH_MS);
    const onConnection = (state: "open" | "lost") => {
      setConnection(state);
      // What happened while nobody listened is in the stream; what was being read may have failed.
      if (state === "open") void client.invalidateQueries();
    };
    const { signal } = leaving;
    const open = (cursor: string | undefined) => kheish().events.stream({ cursor, signal, onConnection });
    const follow = async () => {
      // Who wants to be told of what waits while the tab is hidden wants the stream to stay.
      for await (const { data } of whileVisible(signal, open, isNotifying)) {
        if (data.type === "run_updated") {
          keep(client, data.run);
          stale.run(data.run);
          notifyOf(data.run, () => void navigate({ to: "/inbox" }));
        } else stale.event(data);
      }
    };
    follow().catch(() => {
      if (!leaving.signal.aborted) setConnection("refused");
    });
    return () => {
      clearInterval(timer);
      leaving.abort();
    };
  }, [client, navigate, signedInAs]);
  return connection;
}

/** A run that moved, in each list that has it. */
function keep(client: QueryClient, run: RunView): void {
  client.setQueryData(runQuery(run.run_id).queryKey, run);
  client.setQueryData(waitingQuery.queryKey, (waiting) => waiting && withWaiting(waiting, run));
  for (const query of client.getQueryCache().findAll({ queryKey: ["runs", "newest"] })) {
    const filter = query.queryKey[2] as { status?: readonly string[]; session_id?: string } | undefined;
    if (filter?.status !== undefined) continue;
    if (filter?.session_id !== undefined && filter.session_id !== run.session_id) continue;
    client.setQueryData(query.queryKey, (list: Loaded<RunView> | undefined) => withRun(list, run));
  }
}

function isOfAState({ queryKey: [name, which, filter] }: { queryKey: readonly unknown[] }): boolean {
  return name === "runs" && which === "newest" && (filter as { status?: unknown }).status !== undefined;
}

/** What has to be read again because of what was heard. */
class Stale {
  readonly #client: QueryClient;
  readonly #keys = new Set<string>();
  readonly #runs = new Set<string>();
  readonly #sessions = new Set<string>();

  constructor(client: QueryClient) {
    this.#client = client;
  }

  run({ run_id, session_id }: RunView): void {
    this.#runs.add(run_id);
    this.#sessions.add(session_id);
    this.#keys.add("status");
  }

  event(data: StreamFrame["data"]): void {
    if (data.type === "session_snapshot" || data.type === "session_state_changed")
      this.#sessions.add(data.session_id);
    if (data.type === "runtime_updated") for (const key of ["status", "routes"]) this.#keys.add(key);
  }

  refresh(): void {
    for (const key of this.#keys) void this.#client.invalidateQueries({ queryKey: [key] });
    // Which runs are in a state changes with each move: those lists are read again.
    if (this.#runs.size > 0) void this.#client.invalidateQueries({ predicate: isOfAState });
    for (const run of this.#runs)
      void this.#client.invalidateQueries({ queryKey: runEventsQuery(run).queryKey });
    void this.#refreshSessions([...this.#sessions]);
    this.#keys.clear();
    this.#runs.clear();
    this.#sessions.clear();
  }

  /** A list of thousands is not read again because one of them moved. */
  async #refreshSessions(ids: readonly string[]): Promise<void> {
    const client = this.#client;
    for (const id of ids) void client.invalidateQueries({ queryKey: sessionQuery(id).queryKey });
    const listed = client.getQueryState(sessionsQuery.queryKey)?.data !== undefined;
    if (!listed || ids.length === 0) return;
    if (ids.length > MOST_SESSIONS) return client.invalidateQueries({ queryKey: sessionsQuery.queryKey });
    await Promise.all(
      ids.map(async (id) => {
        try {
          const { view } = await kheish().sessions.get(id);
          client.setQueryData(
            sessionsQuery.queryKey,
            (known: SessionViewSummary[] | undefined) => known && withSession(known, view),
          );
        } catch {
          // The daemon is away: all of it is read again when it is back.
        }
      }),
    );
  }
}
