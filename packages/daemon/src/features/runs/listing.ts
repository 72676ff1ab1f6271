import { problem, RunStatus } from "@kheish/contract";
import { type Kept, type RunRecord, runSortKey } from "../../engine/index.ts";
import { encodeKey, encodeCursor as indexCursor } from "../../kernel/keys.ts";
import type { KeyParts, Store } from "../../kernel/store.ts";

export interface RunListFilter {
  page?: string | undefined;
  limit?: string | undefined;
  cursor?: string | undefined;
  session_id?: string | undefined;
  status?: string | undefined;
  priority_active?: string | undefined;
  order?: string | undefined;
}

/** Where a list comes from: parts of one index, each in submission order, and what of them is kept. */
export interface RunSource {
  index: "submitted" | "session" | "status";
  prefixes: KeyParts[];
  keep?: (run: RunRecord) => boolean;
}

export interface RunRange {
  limit?: number;
  reverse?: boolean;
  /** Sort key of the last run seen. */
  after?: string;
}

const READ_PAGE = 1_000;

/** The index that answers a filter with the least reading. A session's runs are few enough to look through. */
export function sourceOf(filter: RunListFilter): RunSource {
  const statuses = filter.status === undefined ? undefined : parseStatuses(filter.status);
  const { session_id: sessionId } = filter;
  if (sessionId !== undefined) {
    return {
      index: "session",
      prefixes: [[sessionId]],
      ...(statuses === undefined ? {} : { keep: (run) => statuses.includes(run.status) }),
    };
  }
  if (statuses === undefined) return { index: "submitted", prefixes: [[]] };
  return { index: "status", prefixes: statuses.map((status) => [status]) };
}

/** The filter as a test of one run, understood once. */
export function matcherOf(filter: RunListFilter): (run: RunRecord) => boolean {
  const statuses = filter.status === undefined ? undefined : parseStatuses(filter.status);
  return (run) =>
    (filter.session_id === undefined || run.session_id === filter.session_id) &&
    (statuses === undefined || statuses.includes(run.status));
}

function parseStatuses(text: string): RunStatus[] {
  return [...new Set(text.split(","))].map((word) => {
    const status = RunStatus.safeParse(word.trim());
    if (status.success) return status.data;
    throw problem(
      "api",
      "request_query_invalid",
      `status must be one or several, with commas, of ${RunStatus.options.join(", ")}, not '${word}'`,
    );
  });
}

/** Runs of all parts of the source, merged in submission order. */
export async function readRuns(store: Store, source: RunSource, range: RunRange): Promise<Kept<"run">[]> {
  const parts = await Promise.all(source.prefixes.map((prefix) => readPart(store, source, prefix, range)));
  if (parts.length === 1) return parts[0] ?? [];
  const direction = range.reverse === true ? -1 : 1;
  const merged = parts
    .flat()
    .sort((a, b) => (runSortKey(a.data) < runSortKey(b.data) ? -direction : direction));
  return merged.slice(0, range.limit);
}

export async function countRuns(store: Store, source: RunSource): Promise<number> {
  if (source.keep !== undefined) return (await readRuns(store, source, {})).length;
  const counts = await Promise.all(
    source.prefixes.map((prefix) => store.count("run", { index: source.index, prefix })),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

async function readPart(
  store: Store,
  source: RunSource,
  prefix: KeyParts,
  range: RunRange,
): Promise<Kept<"run">[]> {
  const wanted = range.limit ?? Number.POSITIVE_INFINITY;
  const found: Kept<"run">[] = [];
  let after = range.after === undefined ? undefined : cursorAt(prefix, range.after);
  while (found.length < wanted) {
    const limit = source.keep === undefined ? Math.min(READ_PAGE, wanted - found.length) : READ_PAGE;
    const page = await store.list("run", {
      index: source.index,
      prefix,
      limit,
      reverse: range.reverse === true,
      ...(after === undefined ? {} : { after }),
    });
    const runs = page as unknown as Kept<"run">[];
    found.push(...(source.keep === undefined ? runs : runs.filter((run) => source.keep?.(run.data))));
    after = page.at(-1)?.cursor;
    if (page.length < limit) break;
  }
  return found.slice(0, range.limit);
}

/** A client's cursor is the sort key of the last run it saw; every index key here ends in it. */
function cursorAt(prefix: KeyParts, sortKey: string): string {
  const runId = sortKey.slice(sortKey.indexOf(":") + 1);
  return indexCursor(encodeKey([...prefix, sortKey]), runId);
}
