import type { RunStatus, RunView } from "@kheish/sdk";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { runsQuery } from "../app/queries.ts";
import { Choice } from "../ui/choice.tsx";
import { Ago } from "../ui/countdown.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { duration, Empty, money, Status, Title } from "../ui/parts.tsx";
import { VirtualList } from "../ui/virtual-list.tsx";

interface Filter {
  name: string;
  status?: readonly RunStatus[];
}

const ALL: Filter = { name: "All" };
const FILTERS: readonly Filter[] = [
  ALL,
  { name: "At work", status: ["queued", "running"] },
  { name: "Waiting", status: ["waiting_for_approval", "waiting_for_user_question"] },
  { name: "Completed", status: ["completed"] },
  { name: "Failed", status: ["failed", "interrupted", "cancelled"] },
];

/** Every run of the daemon, the newest first. The address says which: going back comes to the same ones. */
export function Runs() {
  const { show } = useSearch({ strict: false }) as { show?: unknown };
  const navigate = useNavigate();
  const chosen = FILTERS.find(({ name }) => name === show) ?? ALL;
  const choose = (filter: Filter) =>
    void navigate({ to: "/runs", search: filter === ALL ? {} : { show: filter.name } });
  const query = useInfiniteQuery(runsQuery(chosen.status === undefined ? {} : { status: chosen.status }));
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  return (
    <>
      <Title>Runs</Title>
      <Choice label="Which runs" items={FILTERS} chosen={chosen} onChoose={choose} className="mb-3" />
      <Loaded query={query}>
        {({ pages }) => {
          const runs = pages.flatMap(({ items }) => items);
          return runs.length === 0 ? (
            <Empty>
              {chosen === ALL ? "No run yet. Start a chat in a session." : "No run is in this state."}
            </Empty>
          ) : (
            <>
              <VirtualList
                items={runs}
                keyOf={({ run_id }) => run_id}
                rowHeight={ROW_HEIGHT}
                label="Runs"
                onEnd={more}
                className="rounded-lg border border-line bg-surface"
              >
                {(run) => <RunRow run={run} />}
              </VirtualList>
              <p className="mt-2 text-soft">
                {`${runs.length.toLocaleString()} of ${pages[0]?.pagination.total_count.toLocaleString()}`}
                {isFetchingNextPage && ", loading more"}
              </p>
            </>
          );
        }}
      </Loaded>
    </>
  );
}

const ROW_HEIGHT = 45;

/** A run in one line; on a phone in two. */
export function RunRow({ run }: { run: RunView }) {
  return (
    <Link
      to="/runs/$runId"
      params={{ runId: run.run_id }}
      className="grid grid-cols-[auto_1fr_auto] items-center gap-x-4 gap-y-1 border-b border-line px-4 py-3 hover:bg-canvas md:grid-cols-[6rem_11rem_1fr_5rem_5rem_6rem]"
    >
      <span className="font-medium text-accent">{run.run_id}</span>
      <Status status={run.status} />
      <span className="order-last col-span-3 truncate md:order-none md:col-span-1">
        {run.request.text_preview ?? run.session_id}
      </span>
      <span className="hidden text-right text-soft tabular-nums md:block">
        {run.usage?.cost_microusd === undefined ? "" : money(run.usage.cost_microusd)}
      </span>
      <span className="hidden text-right text-soft tabular-nums md:block">{took(run)}</span>
      <span className="text-right whitespace-nowrap text-soft">
        <Ago at={run.submitted_at_ms} />
      </span>
    </Link>
  );
}

function took({ started_at_ms: started, finished_at_ms: finished }: RunView): string {
  return started === undefined || finished === undefined ? "" : duration(finished - started);
}
