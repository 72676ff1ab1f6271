import { isTerminal, type RunView } from "@kheish/sdk";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { kheish } from "../../app/client.ts";
import { runQuery } from "../../app/queries.ts";
import { useNow } from "../../app/use-now.ts";
import { isMissing, MissingRecord } from "../../ui/missing.tsx";
import { Button, Card, duration, Failure, money, Skeleton, Status, Time, Title } from "../../ui/parts.tsx";
import { VisibleName } from "../../ui/visible.tsx";
import { Decide } from "../inbox/decide.tsx";
import { Timeline } from "./timeline.tsx";
import { useTimeline } from "./use-timeline.ts";

/** One run: what it is, what it waits for, and every step of it from the journal. */
export function RunPage() {
  const { runId } = useParams({ from: "/runs/$runId" });
  const query = useQuery(runQuery(runId));
  if (query.data !== undefined) return <Known run={query.data} />;
  return (
    <>
      <Title>{runId}</Title>
      {isMissing(query.error) ? (
        <MissingRecord kind="run" />
      ) : query.error ? (
        <Failure error={query.error} />
      ) : (
        <Skeleton lines={6} />
      )}
    </>
  );
}

function Known({ run }: { run: RunView }) {
  const timeline = useTimeline(run.run_id);
  const now = useNow(!isTerminal(run.status));
  return (
    <div className="grid grid-cols-1 gap-4">
      <Title aside={<Cancel run={run} />}>
        {run.run_id} <Status status={run.status} />
      </Title>
      <Facts run={run} now={now} />
      {run.error !== undefined && <Failure error={new Error(run.error)} />}
      <Decide run={run} />
      <section aria-label="Timeline" className="grid gap-2">
        <h2 className="font-semibold">Timeline</h2>
        {timeline.error ? <Failure error={timeline.error} /> : null}
        {timeline.steps.length === 0 ? (
          <Skeleton />
        ) : (
          <Timeline runId={run.run_id} steps={timeline.steps} untilMs={run.finished_at_ms ?? now} />
        )}
      </section>
      {run.outputs?.map((output) => (
        <Card key={`${output.plugin}-${JSON.stringify(output.address)}-${output.content.length}`}>
          <h2 className="mb-2 font-semibold">Answer</h2>
          <p className="whitespace-pre-wrap wrap-anywhere">{output.content}</p>
        </Card>
      ))}
    </div>
  );
}

function Facts({ run, now }: { run: RunView; now: number }) {
  const { usage } = run;
  const started = run.started_at_ms ?? run.submitted_at_ms;
  const facts: [string, React.ReactNode][] = [
    [
      "Session",
      <Link
        key="session"
        className="text-accent underline"
        to="/sessions/$sessionId/chat"
        params={{ sessionId: run.session_id }}
      >
        <VisibleName name={run.session_id} />
      </Link>,
    ],
    ["Model", run.request.model ?? "not chosen yet"],
    ["Submitted", <Time key="submitted" at={run.submitted_at_ms} />],
    ["By", run.principal ?? run.request.actor_id],
    ["Took", duration((run.finished_at_ms ?? now) - started)],
    [
      "Tokens",
      usage === undefined
        ? "none yet"
        : `${usage.input_tokens.toLocaleString()} in, ${usage.output_tokens.toLocaleString()} out`,
    ],
    ["Cost", money(usage?.cost_microusd)],
    ["Restarts", String(usage?.restarts ?? 0)],
  ];
  return (
    <Card>
      <dl className="grid grid-cols-2 gap-3 md:grid-cols-4">
        {facts.map(([name, value]) => (
          <div key={name} className="min-w-0">
            <dt className="text-soft">{name}</dt>
            <dd className="wrap-anywhere">{value}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

function Cancel({ run }: { run: RunView }) {
  const cancel = useMutation({
    mutationFn: () => kheish().api.cancelRun({ params: { run_id: run.run_id } }),
  });
  if (isTerminal(run.status)) return null;
  return (
    <div className="flex items-center gap-2">
      {cancel.error && <Failure error={cancel.error} />}
      <Button tone="danger" disabled={cancel.isPending} onClick={() => cancel.mutate()}>
        Cancel run
      </Button>
    </div>
  );
}
