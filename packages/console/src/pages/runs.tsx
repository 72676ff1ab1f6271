import type { RunView } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { runsQuery } from "../app/queries.ts";
import { Loaded } from "../ui/loaded.tsx";
import { duration, Empty, Status, Time, Title } from "../ui/parts.tsx";

/** The newest runs of the daemon. */
export function Runs() {
  return (
    <>
      <Title>Runs</Title>
      <Loaded query={useQuery(runsQuery)}>
        {({ items, pagination }) =>
          items.length === 0 ? (
            <Empty>No run yet. Start a chat in a session.</Empty>
          ) : (
            <>
              <RunTable runs={items} />
              <p className="mt-2 text-soft">{`The newest ${items.length} of ${pagination.total_count}.`}</p>
            </>
          )
        }
      </Loaded>
    </>
  );
}

export function RunTable({ runs }: { runs: readonly RunView[] }) {
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
      {runs.map((run) => (
        <li key={run.run_id}>
          <Link
            to="/runs/$runId"
            params={{ runId: run.run_id }}
            className="grid gap-x-4 gap-y-1 px-4 py-3 hover:bg-canvas md:grid-cols-[6rem_12rem_1fr_6rem_11rem] md:items-center"
          >
            <span className="font-medium text-accent">{run.run_id}</span>
            <Status status={run.status} />
            <span className="truncate">{run.request.text_preview ?? run.session_id}</span>
            <span className="text-soft tabular-nums">{took(run)}</span>
            <span className="text-soft">
              <Time at={run.submitted_at_ms} />
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function took({ started_at_ms: started, finished_at_ms: finished }: RunView): string {
  return started === undefined || finished === undefined ? "" : duration(finished - started);
}
