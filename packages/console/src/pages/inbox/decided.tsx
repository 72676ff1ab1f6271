import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { runEventsQuery } from "../../app/queries.ts";
import { Ago } from "../../ui/countdown.tsx";
import { decisionOn, decisionText } from "./decision.ts";
import { type Item, nameOf } from "./items.ts";

const MOST = 20;

/** What waited here while somebody looked and does not any more: who decided, and when. The newest first. */
export function DecidedLately({ items }: { items: readonly Item[] }) {
  const before = useRef<readonly Item[]>([]);
  const [gone, setGone] = useState<readonly Item[]>([]);
  useEffect(() => {
    const here = new Set(items.map(({ id }) => id));
    const left = before.current.filter(({ id }) => !here.has(id));
    before.current = items;
    if (left.length > 0) setGone((known) => [...left.toReversed(), ...known].slice(0, MOST));
  }, [items]);
  if (gone.length === 0) return null;
  return (
    <section aria-label="Decided just now" className="mt-6">
      <h2 className="mb-2 font-semibold">Decided just now</h2>
      <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
        {gone.map((item) => (
          <Line key={item.id} item={item} />
        ))}
      </ul>
    </section>
  );
}

function Line({ item }: { item: Item }) {
  const { run, request } = item;
  const events = useQuery(runEventsQuery(run.run_id));
  const decided = events.data === undefined ? undefined : decisionOn(events.data, request.id);
  return (
    <li className="flex flex-wrap gap-x-2 px-4 py-2">
      <span>
        {nameOf(item)} of{" "}
        <Link className="text-accent underline" to="/runs/$runId" params={{ runId: run.run_id }}>
          {run.run_id}
        </Link>
      </span>
      {decided !== undefined && (
        <span className="text-soft">
          {decisionText(decided)}, <Ago at={decided.atMs} />
        </span>
      )}
    </li>
  );
}
