import type { RunView } from "@kheish/sdk";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { runsQuery, statusQuery, waitingQuery } from "../../app/queries.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Card, Empty, money, Title } from "../../ui/parts.tsx";
import { RunRow } from "../runs.tsx";
import { OfferTour } from "../welcome/offer.tsx";
import { Charts } from "./charts.tsx";
import { Debrief } from "./debrief.tsx";

const SHOWN = 8;

/** What every agent is doing, what waits, what it cost. */
export function Dashboard() {
  const waiting = useQuery(waitingQuery);
  return (
    <OfferTour>
      <Title>Dashboard</Title>
      <Loaded query={useInfiniteQuery(runsQuery())}>
        {({ pages: [newest] }) => {
          const items = newest?.items ?? [];
          return (
            <>
              <Figures runs={items} waiting={waiting.data?.length ?? 0} />
              {items.length > 0 && <Debrief runs={items} />}
              {items.length > 0 && <Charts />}
              <h2 className="mb-2 font-semibold">Latest runs</h2>
              {items.length === 0 ? (
                <Empty>No run yet. Start a chat in a session.</Empty>
              ) : (
                <ul className="overflow-hidden rounded-lg border border-line bg-surface">
                  {items.slice(0, SHOWN).map((run) => (
                    <li key={run.run_id}>
                      <RunRow run={run} />
                    </li>
                  ))}
                </ul>
              )}
            </>
          );
        }}
      </Loaded>
    </OfferTour>
  );
}

function Figures({ runs, waiting }: { runs: readonly RunView[]; waiting: number }) {
  const counts = useQuery(statusQuery).data?.runs;
  const used = runs.flatMap(({ usage }) => usage ?? []);
  const tokens = used.reduce((sum, { input_tokens, output_tokens }) => sum + input_tokens + output_tokens, 0);
  const costs = used.flatMap(({ cost_microusd }) => cost_microusd ?? []);
  const cost = costs.length === 0 ? undefined : costs.reduce((sum, one) => sum + one, 0);
  const failed = runs.filter(({ status }) => status === "failed").length;
  return (
    <>
      <dl className="mb-2 grid grid-cols-2 gap-3 md:grid-cols-5">
        <Figure name="Waiting for you" value={waiting} to="/inbox" tone={waiting > 0 ? "text-wait" : ""} />
        <Figure name="At work" value={(counts?.running ?? 0) + (counts?.queued ?? 0)} to="/runs" />
        <Figure name="Failed lately" value={failed} to="/runs" tone={failed > 0 ? "text-bad" : ""} />
        <Figure name="Tokens lately" value={tokens.toLocaleString()} />
        <Figure name="Cost lately" value={money(cost)} />
      </dl>
      {runs.length > 0 && (
        <p className="mb-6 text-soft">{`Lately is the newest ${runs.length} of ${(counts?.total ?? runs.length).toLocaleString()} runs.`}</p>
      )}
    </>
  );
}

function Figure({
  name,
  value,
  to,
  tone = "",
}: {
  name: string;
  value: string | number;
  to?: "/inbox" | "/runs";
  tone?: string;
}) {
  return (
    <Card>
      <dt className="text-soft">{name}</dt>
      <dd className={`text-2xl font-semibold tabular-nums ${tone}`}>
        {to === undefined ? value : <Link to={to}>{value}</Link>}
      </dd>
    </Card>
  );
}
