import { memo, useState } from "react";
import { duration } from "../../ui/parts.tsx";
import { VirtualList } from "../../ui/virtual-list.tsx";
import type { Body, Step } from "./step.ts";
import { StepBody } from "./step-body.tsx";

const COLORS: Record<Body["kind"], string> = {
  model: "bg-accent",
  retry: "bg-bad",
  tool: "bg-work",
  wait: "bg-wait",
  restart: "bg-bad",
  compaction: "bg-soft",
};
const LEGEND: [Body["kind"], string][] = [
  ["model", "model"],
  ["tool", "tool"],
  ["wait", "waits"],
  ["restart", "restart"],
];

const ROW_HEIGHT = 41;

interface Axis {
  fromMs: number;
  untilMs: number;
}

/** Steps as bars on one axis of time; each opens what it did. `untilMs` is the end of the axis while the run lasts. */
export function Timeline({
  runId,
  steps,
  untilMs,
}: {
  runId: string;
  steps: readonly Step[];
  untilMs: number;
}) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const axis = { fromMs: Math.min(steps[0]?.startMs ?? untilMs, untilMs), untilMs };
  const toggle = (key: string) => setOpen((before) => before.symmetricDifference(new Set([key])));
  return (
    <>
      <p className="flex flex-wrap gap-4 text-xs text-soft">
        {LEGEND.map(([kind, name]) => (
          <span key={kind} className="flex items-center gap-1.5">
            <span aria-hidden="true" className={`size-2.5 rounded-sm ${COLORS[kind]}`} />
            {name}
          </span>
        ))}
        <span className="ml-auto tabular-nums">
          {steps.length === 1 ? "1 step" : `${steps.length.toLocaleString()} steps`} in{" "}
          {duration(untilMs - axis.fromMs)}
        </span>
      </p>
      <VirtualList
        items={steps}
        keyOf={({ key }) => key}
        rowHeight={ROW_HEIGHT}
        label="Steps"
        className="rounded-lg border border-line bg-surface"
      >
        {(step) => (
          <Row runId={runId} step={step} axis={axis} isOpen={open.has(step.key)} onToggle={toggle} />
        )}
      </VirtualList>
    </>
  );
}

interface RowProps {
  runId: string;
  step: Step;
  axis: Axis;
  isOpen: boolean;
  onToggle: (key: string) => void;
}

/** Scrolling draws the list anew with every frame; a row that stays as it is costs nothing then. */
const Row = memo(function Row({ runId, step, axis: { fromMs, untilMs }, isOpen, onToggle }: RowProps) {
  const span = Math.max(1, untilMs - fromMs);
  const endMs = Math.max(step.endMs ?? untilMs, step.startMs);
  const left = Math.min(99.5, ((step.startMs - fromMs) / span) * 100);
  const width = Math.min(100 - left, Math.max(0.5, ((endMs - step.startMs) / span) * 100));
  const { kind } = step.body;
  const isMark = kind === "restart" || kind === "compaction";
  return (
    <div data-kind={kind} className="border-b border-line">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => onToggle(step.key)}
        className="grid w-full cursor-pointer grid-cols-[1fr_auto] items-center gap-x-3 gap-y-1 px-4 py-2.5 text-left md:grid-cols-[17rem_1fr_5rem]"
      >
        <span className={isMark ? "wrap-anywhere md:col-span-2" : "truncate"}>
          {isMark && (
            <span aria-hidden="true" className={`mr-2 inline-block size-2 rotate-45 ${COLORS[kind]}`} />
          )}
          {step.name}
          {step.failed && <span className="font-medium text-bad"> failed</span>}
        </span>
        {!isMark && (
          <span
            aria-hidden="true"
            className="relative order-last col-span-2 h-3 rounded bg-canvas md:order-none md:col-span-1"
          >
            <span
              className={`absolute h-3 rounded ${step.failed ? COLORS.retry : COLORS[kind]}`}
              style={{ left: `${left}%`, width: `${width}%` }}
            />
          </span>
        )}
        <span className="text-right text-soft tabular-nums">
          {step.endMs === undefined ? "so far " : ""}
          {isMark ? "" : duration(endMs - step.startMs)}
        </span>
      </button>
      {isOpen && <StepBody runId={runId} body={step.body} />}
    </div>
  );
});
