import { useState } from "react";
import { duration, Json } from "../../ui/parts.tsx";
import type { Step } from "./steps.ts";

const COLORS: Record<Step["kind"], string> = {
  model: "bg-accent",
  tool: "bg-work",
  wait: "bg-wait",
  restart: "bg-bad",
};

/** Steps as bars on one axis of time; each opens what it did. `untilMs` is the end of the axis while the run lasts. */
export function Timeline({ steps, untilMs }: { steps: readonly Step[]; untilMs: number }) {
  const fromMs = Math.min(...steps.map(({ startMs }) => startMs), untilMs);
  const span = Math.max(1, untilMs - fromMs);
  return (
    <ol className="divide-y divide-line rounded-lg border border-line bg-surface">
      {steps.map((step) => (
        <Row key={step.key} step={step} fromMs={fromMs} span={span} untilMs={untilMs} />
      ))}
    </ol>
  );
}

function Row({ step, fromMs, span, untilMs }: { step: Step; fromMs: number; span: number; untilMs: number }) {
  const [isOpen, setOpen] = useState(false);
  const endMs = step.endMs ?? untilMs;
  const left = ((step.startMs - fromMs) / span) * 100;
  const width = Math.max(0.5, ((endMs - step.startMs) / span) * 100);
  return (
    <li data-kind={step.kind}>
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="grid w-full cursor-pointer grid-cols-[1fr_auto] items-center gap-x-3 gap-y-1 px-4 py-2 text-left md:grid-cols-[16rem_1fr_5rem]"
      >
        <span className="wrap-anywhere">
          {step.name}
          {step.failed && <span className="font-medium text-bad"> failed</span>}
        </span>
        <span
          aria-hidden="true"
          className="relative order-last col-span-2 h-3 rounded bg-canvas md:order-none md:col-span-1"
        >
          <span
            className={`absolute h-3 rounded ${COLORS[step.kind]}`}
            style={{ left: `${Math.min(left, 99.5)}%`, width: `${Math.min(width, 100 - left)}%` }}
          />
        </span>
        <span className="text-right text-soft tabular-nums">
          {step.endMs === undefined ? "so far " : ""}
          {duration(endMs - step.startMs)}
        </span>
      </button>
      {isOpen && (
        <dl className="grid gap-3 px-4 pb-4">
          {step.details.length === 0 && <p className="text-soft">Nothing more is known.</p>}
          {step.details.map(({ heading, value }) => (
            <div key={heading}>
              <dt className="mb-1 text-soft">{heading}</dt>
              <dd>
                <Json value={value} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}
