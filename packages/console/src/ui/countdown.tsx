import { useNow } from "../app/use-now.ts";
import { duration, Time } from "./parts.tsx";

/** Until when something waits, what comes then, and how long that is from now. */
export function Countdown({ at, then }: { at: number; then: string }) {
  const left = at - useNow();
  return (
    <p className="text-wait">
      Waits until <Time at={at} />, then {then}
      <span className="tabular-nums"> ({left > 0 ? `in ${coarse(left)}` : "any moment"})</span>.
    </p>
  );
}

function coarse(ms: number): string {
  return ms < 60_000 ? `${Math.ceil(ms / 1_000)} s` : duration(ms);
}

/** How long ago, in words short enough for a list. */
export function Ago({ at }: { at: number }) {
  const past = Math.max(0, useNow() - at);
  const date = new Date(at);
  return (
    <time dateTime={date.toISOString()} title={date.toLocaleString()}>
      {past < 5_000 ? "just now" : `${since(past)} ago`}
    </time>
  );
}

/** How long something lasts, in the same words. */
export function For({ sinceMs }: { sinceMs: number }) {
  return <span className="tabular-nums">{since(Math.max(0, useNow() - sinceMs))}</span>;
}

function since(ms: number): string {
  const units: [number, string][] = [
    [86_400_000, "d"],
    [3_600_000, "h"],
    [60_000, "min"],
    [1_000, "s"],
  ];
  const [size, name] = units.find(([unit]) => ms >= unit) ?? [1_000, "s"];
  return `${Math.floor(ms / size)} ${name}`;
}
