import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Virtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";
import { announce } from "../../app/notice.tsx";
import { startNotifying, stopNotifying, useNotifying } from "../../app/notify.ts";
import { waitingQuery } from "../../app/queries.ts";
import { For } from "../../ui/countdown.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { Button, Empty, Title } from "../../ui/parts.tsx";
import { VirtualList } from "../../ui/virtual-list.tsx";
import { VisibleName } from "../../ui/visible.tsx";
import { Approval } from "./approval.tsx";
import { Bulk } from "./bulk.tsx";
import { DecidedLately } from "./decided.tsx";
import { type Item, itemsOf, nameOf } from "./items.ts";
import { Question } from "./question.tsx";
import { useKeys } from "./use-keys.ts";
import { useSettling } from "./use-settling.ts";

/** Everything that waits for a human, the longest first; to be worked off by keyboard, one by one or many at once. */
export function Inbox() {
  return (
    <>
      <Title aside={<Tools />}>Inbox</Title>
      <Loaded query={useQuery(waitingQuery)}>{(runs) => <Waiting items={itemsOf(runs)} />}</Loaded>
    </>
  );
}

const USUAL_HEIGHT = 260;

function Waiting({ items }: { items: readonly Item[] }) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const list = useRef<Virtualizer<Window, Element>>(null);
  useKeys(items, list);
  const isSettling = useSettling(items);
  const picked = useMemo(() => items.filter(({ id }) => chosen.has(id)), [items, chosen]);
  const toggle = (id: string) => setChosen((before) => before.symmetricDifference(new Set([id])));
  return (
    <>
      <Bulk items={items} picked={picked} onPick={setChosen} />
      {items.length === 0 ? (
        <Empty>Nothing waits for you. Runs that need a yes or an answer appear here.</Empty>
      ) : (
        <div className={isSettling ? "pointer-events-none" : undefined}>
          <VirtualList
            items={items}
            keyOf={({ id }) => id}
            rowHeight={USUAL_HEIGHT}
            label="What waits for you"
            handle={list}
          >
            {(item) => <Row item={item} isChosen={chosen.has(item.id)} onChoose={() => toggle(item.id)} />}
          </VirtualList>
        </div>
      )}
      <DecidedLately items={items} />
    </>
  );
}

function Row({ item, isChosen, onChoose }: { item: Item; isChosen: boolean; onChoose: () => void }) {
  const { run } = item;
  return (
    <article
      aria-label={`${nameOf(item)} of ${run.run_id}`}
      data-item={item.id}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: items are walked through by keyboard
      tabIndex={0}
      className="rounded-lg p-1 pb-4"
    >
      <p className="mb-1 flex flex-wrap items-center gap-x-2 px-1 text-soft">
        {item.kind === "approval" && (
          <input
            type="checkbox"
            data-act="x"
            aria-label={`Select ${nameOf(item)} of ${run.run_id}`}
            checked={isChosen}
            onChange={onChoose}
            className="size-4"
          />
        )}
        <Link className="text-accent underline" to="/runs/$runId" params={{ runId: run.run_id }}>
          {run.run_id}
        </Link>
        <span className="wrap-anywhere">
          in <VisibleName name={run.session_id} />
        </span>
        <span>
          has waited <For sinceMs={run.updated_at_ms} />
        </span>
      </p>
      {item.kind === "approval" ? (
        <Approval run={run} request={item.request} />
      ) : (
        <Question run={run} request={item.request} />
      )}
    </article>
  );
}

const KEYS = [
  ["j", "next"],
  ["k", "previous"],
  ["a", "approve"],
  ["d", "deny"],
  ["e", "edit"],
  ["x", "select"],
] as const;

function Tools() {
  return (
    <div className="flex flex-wrap items-center gap-3">
      <p className="hidden gap-3 text-soft md:flex">
        {KEYS.map(([key, name]) => (
          <span key={key}>
            <kbd className="rounded border border-line px-1.5 font-mono text-xs">{key}</kbd> {name}
          </span>
        ))}
      </p>
      <Notifications />
    </div>
  );
}

function Notifications() {
  const isOn = useNotifying();
  const turn = async () => {
    if (isOn) return stopNotifying();
    if (!(await startNotifying())) announce("This browser does not let the console notify you.");
  };
  return (
    <Button aria-pressed={isOn} onClick={() => void turn()}>
      {isOn ? "Notifications on" : "Notify me"}
    </Button>
  );
}
