import type { RunView } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { kheish } from "../../app/client.ts";
import { Choice } from "../../ui/choice.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { duration, money } from "../../ui/parts.tsx";
import { BarChart } from "./chart.tsx";
import { type Bucket, seriesOf } from "./series.ts";

const HOUR_MS = 3_600_000;
const RANGES = [
  { name: "1 hour", ms: HOUR_MS },
  { name: "24 hours", ms: 24 * HOUR_MS },
  { name: "7 days", ms: 7 * 24 * HOUR_MS },
] as const;
/** Beyond these the oldest are left out, and it is said so. */
const MOST_RUNS = 1_000;
/** What is drawn may be this old: the list beside it is live. */
const REFRESH_MS = 10_000;

/** Runs, tokens, cost and latency over time, from the newest runs. */
export function Charts() {
  const [range, setRange] = useState<(typeof RANGES)[number]>(RANGES[0]);
  const query = useQuery({
    queryKey: ["series", range.ms],
    queryFn: ({ signal }) => since(Date.now() - range.ms, signal),
    refetchInterval: REFRESH_MS,
  });
  return (
    <section aria-labelledby="over-time" className="mb-6">
      <div className="mb-2 flex flex-wrap items-center justify-between gap-2">
        <h2 id="over-time" className="font-semibold">
          Over time
        </h2>
        <Choice label="How far back" items={RANGES} chosen={range} onChoose={setRange} />
      </div>
      <Loaded query={query} lines={4}>
        {({ runs, isCut, untilMs }) => {
          const fromMs = untilMs - range.ms;
          return (
            <>
              <Four buckets={seriesOf(runs, { fromMs, untilMs })} isLong={range.ms > 24 * HOUR_MS} />
              {isCut && <p className="mt-2 text-soft">Of the newest {MOST_RUNS.toLocaleString()} runs.</p>}
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

function Four({ buckets, isLong }: { buckets: readonly Bucket[]; isLong: boolean }) {
  const labels = buckets.map(({ fromMs }) =>
    new Date(fromMs).toLocaleString(undefined, {
      ...(isLong && { weekday: "short" }),
      hour: "2-digit",
      minute: "2-digit",
    }),
  );
  const sum = (of: (bucket: Bucket) => number) => buckets.reduce((total, bucket) => total + of(bucket), 0);
  const runs = sum(({ completed, failed, other }) => completed + failed + other);
  const cost = sum(({ costMicrousd }) => costMicrousd);
  const whole = (value: number) => value.toLocaleString();
  const slowest = Math.max(0, ...buckets.map(({ p95Ms = 0 }) => p95Ms));
  return (
    <div className="grid gap-3 md:grid-cols-2">
      <BarChart
        title="Runs"
        total={whole(runs)}
        labels={labels}
        format={whole}
        series={[
          bars("completed", "good", buckets, ({ completed }) => completed),
          bars("failed", "bad", buckets, ({ failed }) => failed),
          bars("other", "work", buckets, ({ other }) => other),
        ]}
      />
      <BarChart
        title="Tokens"
        total={whole(sum(({ tokens }) => tokens))}
        labels={labels}
        format={whole}
        series={[bars("tokens", "accent", buckets, ({ tokens }) => tokens)]}
      />
      <BarChart
        title="Cost, where it is known"
        total={cost === 0 ? "none known" : money(cost)}
        labels={labels}
        format={money}
        series={[bars("cost", "wait", buckets, ({ costMicrousd }) => costMicrousd)]}
      />
      <BarChart
        title="Latency, from start to end"
        total={slowest === 0 ? "none ended" : `${duration(slowest)} at most`}
        labels={labels}
        format={duration}
        series={[
          bars("half of them", "work", buckets, ({ p50Ms = 0 }) => p50Ms),
          bars("95 of 100", "line", buckets, ({ p50Ms = 0, p95Ms = 0 }) => p95Ms - p50Ms),
        ]}
      />
    </div>
  );
}

/** Named whole, so that their styles are found when the console is built. */
const COLORS = {
  good: { fill: "fill-good", swatch: "bg-good" },
  bad: { fill: "fill-bad", swatch: "bg-bad" },
  work: { fill: "fill-work", swatch: "bg-work" },
  accent: { fill: "fill-accent", swatch: "bg-accent" },
  wait: { fill: "fill-wait", swatch: "bg-wait" },
  line: { fill: "fill-line", swatch: "bg-line" },
};

function bars(
  name: string,
  color: keyof typeof COLORS,
  buckets: readonly Bucket[],
  of: (bucket: Bucket) => number,
) {
  return { name, ...COLORS[color], values: buckets.map(of) };
}

async function since(fromMs: number, signal: AbortSignal) {
  const runs: RunView[] = [];
  for await (const run of kheish().runs.list({ order: "desc", signal })) {
    if (run.submitted_at_ms < fromMs || runs.length >= MOST_RUNS) break;
    runs.push(run);
  }
  return { runs, isCut: runs.length >= MOST_RUNS, untilMs: Date.now() };
}
