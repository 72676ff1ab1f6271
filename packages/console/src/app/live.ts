import type { RunView, SessionViewSummary, StreamFrame } from "@kheish/sdk";
import { type Query, type QueryClient, type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { kheish, useSignedInAs } from "./client.ts";
import { type Loaded, withRun, withSession, withWaiting } from "./lists.ts";
import { isNotifying, notifyOf } from "./notify.ts";
import {
  routesQuery,
  runEventsQuery,
  runQuery,
  sessionQuery,
  sessionsQuery,
  statusQuery,
  waitingQuery,
} from "./queries.ts";
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
      if (state === "open") stale.all();
    };
    const { signal } = leaving;
    const open = (cursor: string | undefined) => kheish().events.stream({ cursor, signal, onConnection });
    const follow = async () => {
      // Who wants to be told of what waits while the tab is hidden wants the stream to stay.
      for await (const { data } of whileVisible(signal, open, isNotifying)) {
        if (data.type === "run_updated") {
          for (const overtaken of keep(client, data.run)) stale.again(overtaken);
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

/** A run that moved, in each list that has it. Returns what was being read meanwhile: that answer may be older. */
function keep(client: QueryClient, run: RunView): QueryKey[] {
  const overtaken: QueryKey[] = [];
  const put = <Data>(queryKey: QueryKey, moved: (known: Data | undefined) => Data | undefined) => {
    client.setQueryData(queryKey, moved);
    if (client.getQueryState(queryKey)?.fetchStatus !== "fetching") return;
    overtaken.push(queryKey);
    // Otherwise what the stream has just said would be taken back until the next reading.
    if (client.getQueryData(queryKey) !== undefined) void client.cancelQueries({ queryKey, exact: true });
  };
  put<RunView>(runQuery(run.run_id).queryKey, () => run);
  put<RunView[]>(waitingQuery.queryKey, (waiting) => waiting && withWaiting(waiting, run));
  for (const query of client.getQueryCache().findAll({ queryKey: ["runs", "newest"] })) {
    const filter = query.queryKey[2] as { status?: readonly string[]; session_id?: string } | undefined;
    if (filter?.status !== undefined) continue;
    if (filter?.session_id !== undefined && filter.session_id !== run.session_id) continue;
    put<Loaded<RunView>>(query.queryKey, (list) => withRun(list, run));
  }
  return overtaken;
}

function isOfAState({ queryKey: [name, which, filter] }: { queryKey: readonly unknown[] }): boolean {
  return name === "runs" && which === "newest" && (filter as { status?: unknown }).status !== undefined;
}

function isFirstReading({ state }: Query): boolean {
  return state.fetchStatus === "fetching" && state.data === undefined;
}

/** What has to be read again because of what was heard. */
class Stale {
  readonly #client: QueryClient;
  readonly #keys = new Map<string, QueryKey>();
  readonly #sessions = new Set<string>();

  constructor(client: QueryClient) {
    this.#client = client;
  }

  run({ run_id, session_id }: RunView): void {
    this.#sessions.add(session_id);
    this.again(runEventsQuery(run_id).queryKey);
    this.again(statusQuery.queryKey);
    // Which runs are in a state changes with each move.
    for (const { queryKey } of this.#client.getQueryCache().findAll({ predicate: isOfAState }))
      this.again(queryKey);
  }

  again(key: QueryKey): void {
    this.#keys.set(JSON.stringify(key), key);
  }

  /** What happened while nobody listened is in the stream, but for what came before the first; what was being read may have failed. */
  all(): void {
    // A first reading goes on, and may have been answered before the stream began.
    const first = this.#client.getQueryCache().findAll({ predicate: isFirstReading });
    for (const { queryKey } of first) this.again(queryKey);
    void this.#client.invalidateQueries();
  }

  event(data: StreamFrame["data"]): void {
    if (data.type === "session_snapshot" || data.type === "session_state_changed")
      this.#sessions.add(data.session_id);
    if (data.type === "runtime_updated")
      for (const key of [statusQuery, routesQuery]) this.again(key.queryKey);
  }

  refresh(): void {
    const keys = [...this.#keys.values()];
    this.#keys.clear();
    for (const queryKey of keys) {
      const isFirst = this.#client.getQueryCache().findAll({ queryKey }).some(isFirstReading);
      // A first reading is not begun anew: what it answers may be older than what makes it stale.
      if (isFirst) this.again(queryKey);
      else void this.#client.invalidateQueries({ queryKey });
    }
    void this.#refreshSessions([...this.#sessions]);
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
