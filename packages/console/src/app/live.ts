import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { kheish, useSignedInAs } from "./client.ts";
import { runQuery } from "./queries.ts";
import { whileVisible } from "./while-visible.ts";

/** Events come in bursts; what they make stale is read again this often at most. */
const REFRESH_MS = 300;

export type Connection = "connecting" | "open" | "lost" | "refused";

/** Keeps what is shown in step with the daemon: one stream for the whole console. */
export function useLive(): Connection {
  const client = useQueryClient();
  const signedInAs = useSignedInAs();
  const [connection, setConnection] = useState<Connection>("connecting");
  useEffect(() => {
    void signedInAs;
    const leaving = new AbortController();
    const stale = new Set<string>();
    const timer = setInterval(() => {
      for (const key of stale) void client.invalidateQueries({ queryKey: [key] });
      stale.clear();
    }, REFRESH_MS);
    const onConnection = (state: "open" | "lost") => {
      setConnection(state);
      // What happened while nobody listened is in the stream; what was being read may have failed.
      if (state === "open") void client.invalidateQueries();
    };
    const { signal } = leaving;
    const open = (cursor: string | undefined) => kheish().events.stream({ cursor, signal, onConnection });
    const follow = async () => {
      for await (const { data } of whileVisible(signal, open)) {
        if (data.type === "run_updated") {
          client.setQueryData(runQuery(data.run.run_id).queryKey, data.run);
          for (const key of ["runs", "sessions", "session", "status"]) stale.add(key);
        }
        if (data.type === "session_snapshot" || data.type === "session_state_changed") stale.add("sessions");
      }
    };
    follow().catch(() => {
      if (!leaving.signal.aborted) setConnection("refused");
    });
    return () => {
      clearInterval(timer);
      leaving.abort();
    };
  }, [client, signedInAs]);
  return connection;
}
