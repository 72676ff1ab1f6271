import { runSortKey } from "../../packages/daemon/src/engine/index.ts";
import { encodeKey, prefixEnd } from "../../packages/daemon/src/kernel/keys.ts";
import type { KeyParts } from "../../packages/daemon/src/kernel/store.ts";
import { sessionName, submittedAt } from "./fill.ts";

export const LIMIT = 50;

/** One list as a client asks for it, and as the index answers it. */
export interface ListQuery {
  name: string;
  path: string;
  kind: "run" | "session";
  index: string;
  prefix: KeyParts;
  order: "asc" | "desc";
  /** The last one seen, for a page that continues. */
  after?: KeyParts;
}

export function queriesFor(runs: number, sessions: number): ListQuery[] {
  const middle = Math.floor(runs / 2);
  const seen = runSortKey({ run_id: `run-${middle + 1}`, submitted_at_ms: submittedAt(middle) });
  const session = sessionName(Math.floor(sessions / 2));
  const runList = (query: string) => `/v1/runs?page=true&limit=${LIMIT}${query}`;
  const submitted = { kind: "run", index: "submitted", prefix: [] } as const;
  return [
    { name: "runs, oldest first", path: runList(""), ...submitted, order: "asc" },
    { name: "runs, newest first", path: runList("&order=desc"), ...submitted, order: "desc" },
    {
      name: "runs, a page in the middle",
      path: runList(`&cursor=${encoded(seen)}`),
      ...submitted,
      order: "asc",
      after: [seen],
    },
    {
      name: "runs that failed, newest first",
      path: runList("&status=failed&order=desc"),
      ...{ kind: "run", index: "status", prefix: ["failed"], order: "desc" },
    },
    {
      name: "runs of a session",
      path: runList(`&session_id=${session}`),
      ...{ kind: "run", index: "session", prefix: [session], order: "asc" },
    },
    {
      name: "sessions",
      path: `/v1/sessions?page=true&limit=${LIMIT}`,
      ...{ kind: "session", index: "id", prefix: [], order: "asc" },
    },
    {
      name: "sessions, a page in the middle",
      path: `/v1/sessions?page=true&limit=${LIMIT}&cursor=${encoded(session)}`,
      ...{ kind: "session", index: "id", prefix: [], order: "asc" },
      after: [session],
    },
  ];
}

/** What the bare server is asked for the same page. */
export function limitPath(query: ListQuery, count: boolean): string {
  const from = encodeKey(query.prefix);
  const below = prefixEnd(from);
  const edge = query.order === "asc" ? from : below;
  const after = query.after === undefined ? edge : encodeKey(query.after);
  const { kind, index, order } = query;
  const words = { kind, index, from, below, after, order, limit: String(LIMIT), count: String(count) };
  return `/?${new URLSearchParams(words)}`;
}

function encoded(sortKey: string): string {
  return Buffer.from(sortKey).toString("base64url");
}
