import type { RunView } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { kheish } from "../../app/client.ts";
import { runQuery } from "../../app/queries.ts";
import { Button, Card, Failure, money, Skeleton, Time, words } from "../../ui/parts.tsx";
import { Refusal } from "../../ui/refusal.tsx";
import { useChange } from "../../ui/use-change.ts";
import { debriefPrompt, debriefSession, newestDebrief, recapped } from "./recap.ts";

/**
 * What happened lately, told by a model when somebody asks for it. A debrief is a run like any other: it is listed,
 * charged and found again by whoever looks, in this browser or another; its session has no tools.
 */
export function Debrief({ runs }: { runs: readonly RunView[] }) {
  const latest = newestDebrief(runs);
  const generate = useChange(
    async () => {
      const session = await kheish().sessions.create({
        session: debriefSession(Date.now()),
        capability_scope: { tool_deny: ["*"] },
      });
      const read = await Promise.all(recapped(runs).map(({ run_id }) => kheish().runs.get(run_id)));
      return session.responses.create({ prompt: debriefPrompt(read.map(({ view }) => view)) });
    },
    { stale: ["runs", "sessions"] },
  );
  return (
    <section aria-label="Latest run summary" className="mb-6">
      <Card className="grid justify-items-start gap-3">
        <h2 className="font-semibold">Latest run summary</h2>
        {latest === undefined ? (
          <p className="text-soft">
            A model can tell what the newest runs did, what failed and what waits: one call through the
            default route, without tools, that is charged and listed as a run.
          </p>
        ) : (
          <Told runId={latest.run_id} />
        )}
        {generate.error && <Refusal error={generate.error} />}
        <Button tone="primary" disabled={generate.isPending} onClick={() => generate.mutate()}>
          Generate a debrief
        </Button>
      </Card>
    </section>
  );
}

function Told({ runId }: { runId: string }) {
  const { data: run, error } = useQuery(runQuery(runId));
  if (error !== null) return <Failure error={error} />;
  if (run === undefined) return <Skeleton />;
  const { session_id, status, submitted_at_ms, outputs, usage } = run;
  const text = outputs?.at(-1)?.content;
  return (
    <>
      {status === "running" || status === "queued" ? (
        <Skeleton />
      ) : (
        <p className="whitespace-pre-wrap wrap-anywhere">{text ?? run.error ?? words(status)}</p>
      )}
      <p className="text-soft">
        <Link to="/runs/$runId" params={{ runId }} className="text-accent underline">
          {runId}
        </Link>
        , <Time at={submitted_at_ms} />, cost: {money(usage?.cost_microusd)};{" "}
        <Link
          to="/sessions/$sessionId/chat"
          params={{ sessionId: session_id }}
          className="text-accent underline"
        >
          ask more
        </Link>
      </p>
    </>
  );
}
