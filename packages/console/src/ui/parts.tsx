import type { RunStatus, Verb } from "@kheish/sdk";
import { type ButtonHTMLAttributes, type ReactNode, useEffect, useRef } from "react";
import { useReasonAgainst } from "./may.tsx";
import { Visible } from "./visible.tsx";

const TONES: Record<RunStatus, string> = {
  queued: "text-soft",
  running: "text-work",
  waiting_for_approval: "text-wait",
  waiting_for_user_question: "text-wait",
  completed: "text-good",
  failed: "text-bad",
  interrupted: "text-bad",
  cancelled: "text-soft",
};

export function words(name: string): string {
  return name.replaceAll("_", " ");
}

export function Status({ status }: { status: RunStatus }) {
  return (
    <span className={`inline-flex items-center gap-1.5 whitespace-nowrap font-medium ${TONES[status]}`}>
      <span aria-hidden="true" className="size-2 rounded-full bg-current" />
      {words(status)}
    </span>
  );
}

/**
 * One that is `primary` or `danger` changes something of the daemon: it is off for whoever has not the verb, and says why
 * (08-R7). `verb="read"` is for those that change nothing.
 */
export function Button({
  tone = "plain",
  verb = tone === "plain" ? "read" : "write",
  className = "",
  disabled,
  title,
  ...rest
}: { tone?: "plain" | "primary" | "danger"; verb?: Verb } & ButtonHTMLAttributes<HTMLButtonElement>) {
  const against = useReasonAgainst(verb);
  const tones = {
    plain: "border-line bg-surface text-ink",
    primary: "border-accent bg-accent text-on-accent",
    danger: "border-bad bg-surface text-bad",
  };
  return (
    <button
      type="button"
      data-verb={verb}
      disabled={disabled === true || against !== undefined}
      title={against ?? title}
      className={`cursor-pointer rounded-md border px-3 py-1.5 font-medium disabled:cursor-not-allowed disabled:opacity-60 ${tones[tone]} ${className}`}
      {...rest}
    />
  );
}

export function Card({ children, className = "" }: { children: ReactNode; className?: string }) {
  return <div className={`rounded-lg border border-line bg-surface p-4 ${className}`}>{children}</div>;
}

const PRODUCT = "Kheish";

/** What the page is called, in its tab and its history too. */
export function Title({ children, aside }: { children: ReactNode; aside?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  // After each drawing: what it is called may say how it does.
  useEffect(() => {
    document.title = `${heading.current?.textContent} · ${PRODUCT}`;
  });
  useEffect(
    () => () => {
      document.title = PRODUCT;
    },
    [],
  );
  return (
    <header className="mb-4 flex flex-wrap items-center justify-between gap-2">
      <h1
        ref={heading}
        className="flex min-w-0 flex-wrap items-center gap-x-3 text-xl font-semibold wrap-anywhere"
      >
        {children}
      </h1>
      {aside}
    </header>
  );
}

/** Lines where something is about to be: quieter than a wheel that turns. */
export function Skeleton({ lines = 3 }: { lines?: number }) {
  const widths = ["w-3/4", "w-full", "w-2/3"];
  return (
    <div role="status" aria-label="Loading" className="grid gap-3">
      {Array.from({ length: lines }, (_, line) => line).map((line) => (
        <div key={line} className={`h-5 motion-safe:animate-pulse rounded bg-line/60 ${widths[line % 3]}`} />
      ))}
    </div>
  );
}

export function Failure({ error }: { error: unknown }) {
  return (
    <p role="alert" className="whitespace-pre-wrap wrap-anywhere rounded-md border border-bad p-3 text-bad">
      {error instanceof Error ? error.message : String(error)}
    </p>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="rounded-lg border border-dashed border-line p-8 text-center text-soft">{children}</p>;
}

/** A value as it is: what a human decides about is not summed up. */
export function Json({ value }: { value: unknown }) {
  const text = typeof value === "string" ? value : JSON.stringify(value, undefined, 2);
  return (
    <pre
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      className="max-h-80 overflow-auto print:max-h-none whitespace-pre-wrap wrap-anywhere rounded-md bg-canvas p-3 font-mono text-xs"
    >
      <Visible text={text} />
    </pre>
  );
}

export function Time({ at }: { at: number }) {
  const date = new Date(at);
  return <time dateTime={date.toISOString()}>{date.toLocaleString()}</time>;
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60
    ? `${minutes} min ${Math.round((ms % 60_000) / 1_000)} s`
    : `${(minutes / 60).toFixed(1)} h`;
}

export function money(microusd: number | undefined): string {
  return microusd === undefined ? "not priced" : `$${(microusd / 1_000_000).toFixed(4)}`;
}
