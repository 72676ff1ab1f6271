import type { LogLevel } from "@kheish/sdk";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { Button, Empty, Title } from "../../ui/parts.tsx";
import { Refusal } from "../../ui/refusal.tsx";
import { Lines } from "./lines.tsx";
import { type Filter, type Log, useLog } from "./use-log.ts";

const LEVELS: readonly LogLevel[] = ["error", "warn", "info", "debug", "trace"];

/** Each change of the filter is a stream of its own, so a word is waited for. */
const TYPING_MS = 300;

/** What stands in the address: a filter can be sent to somebody. */
export function filterIn(search: Record<string, unknown>): Filter {
  const text = (name: string) => (typeof search[name] === "string" ? search[name] : undefined);
  return {
    level: LEVELS.find((level) => level === search.level),
    target: text("target"),
    text: text("text"),
  };
}

/** The daemon's log as it is written. */
export function Logs() {
  const filter = filterIn(useSearch({ strict: false }));
  const { state, error } = useLog(filter);
  const [held, setHeld] = useState<Log>();
  const shown = held ?? state;
  const last = held?.lines.at(-1);
  const behind =
    held === undefined ? 0 : state.lines.filter((line) => isAfter(line.place, last?.place)).length;
  return (
    <>
      <Title
        aside={
          <Button
            aria-pressed={held !== undefined}
            onClick={() => setHeld(held === undefined ? state : undefined)}
          >
            {held === undefined ? "Pause" : `Go on (${behind} new)`}
          </Button>
        }
      >
        Logs
      </Title>
      <Filters filter={filter} onChange={() => setHeld(undefined)} />
      {error !== undefined && <Refusal error={error} />}
      {shown.skipped > 0 && (
        <p role="status" className="mb-2 text-wait">
          {shown.skipped} lines are not shown: they were written faster than they could be told.
        </p>
      )}
      {shown.lines.length === 0 && error === undefined ? (
        <Empty>No line yet that passes.</Empty>
      ) : (
        <Lines lines={shown.lines} follows={held === undefined} />
      )}
    </>
  );
}

function isAfter(place: string, last: string | undefined): boolean {
  return last === undefined || Number(place) > Number(last);
}

function Filters({ filter, onChange }: { filter: Filter; onChange: () => void }) {
  const navigate = useNavigate();
  const typing = useRef<ReturnType<typeof setTimeout>>(undefined);
  /** What was typed and not waited for yet; it goes with whatever is changed next. */
  const awaited = useRef<Partial<Filter>>({});
  // Whoever goes elsewhere before the word is whole is not called back by it.
  useEffect(() => () => clearTimeout(typing.current), []);
  const typed = (change: Partial<Filter>) => {
    awaited.current = { ...awaited.current, ...change };
    clearTimeout(typing.current);
    typing.current = setTimeout(() => set({}), TYPING_MS);
  };
  const set = (change: Partial<Filter>) => {
    clearTimeout(typing.current);
    const wanted = { ...awaited.current, ...change };
    awaited.current = {};
    onChange();
    // Of the address as it is now: another field may have changed it since this was drawn.
    const search = (now: Record<string, unknown>) =>
      Object.fromEntries(Object.entries({ ...filterIn(now), ...wanted }).filter(([, value]) => value));
    void navigate({ to: "/logs", search, replace: true });
  };
  const box = "rounded-md border border-line bg-surface px-3 py-2";
  return (
    <search className="mb-3 flex flex-wrap gap-2">
      <select
        aria-label="Level"
        className={box}
        value={filter.level ?? ""}
        onChange={(event) => set({ level: LEVELS.find((level) => level === event.target.value) })}
      >
        <option value="">every level</option>
        {LEVELS.map((level) => (
          <option key={level} value={level}>
            {level === "error" ? "errors" : `${level} and graver`}
          </option>
        ))}
      </select>
      <input
        aria-label="Target"
        placeholder="target"
        className={`${box} w-32 max-md:flex-1`}
        defaultValue={filter.target}
        onChange={(event) => typed({ target: event.target.value.trim() })}
      />
      <input
        type="search"
        aria-label="Text"
        placeholder="text in message or fields"
        className={`${box} min-w-0 flex-1 basis-60`}
        defaultValue={filter.text}
        onChange={(event) => typed({ text: event.target.value })}
      />
    </search>
  );
}
