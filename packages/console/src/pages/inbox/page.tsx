import type { RunView } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, type RefObject, useEffect, useRef } from "react";
import { waitingQuery } from "../../app/queries.ts";
import { Loaded } from "../../ui/loaded.tsx";
import { Empty, Time, Title } from "../../ui/parts.tsx";
import { Approval, Question } from "./decide.tsx";

/** Everything that waits for a human, the longest first. j and k move, a approves, d denies, e edits the input. */
export function Inbox() {
  const list = useRef<HTMLOListElement>(null);
  useKeys(list);
  return (
    <>
      <Title aside={<Hints />}>Inbox</Title>
      <Loaded query={useQuery(waitingQuery)}>
        {(runs) =>
          runs.length === 0 ? (
            <Empty>Nothing waits for you. Runs that need a yes or an answer appear here.</Empty>
          ) : (
            <ol ref={list} className="grid gap-4">
              {runs.flatMap(itemsOf)}
            </ol>
          )
        }
      </Loaded>
    </>
  );
}

function itemsOf(run: RunView) {
  return [
    ...(run.pending_approvals ?? []).map((request) => (
      <Item key={request.id} run={run}>
        <Approval run={run} request={request} />
      </Item>
    )),
    ...(run.pending_questions ?? []).map((request) => (
      <Item key={request.id} run={run}>
        <Question run={run} request={request} />
      </Item>
    )),
  ];
}

function Item({ run, children }: { run: RunView; children: ReactNode }) {
  return (
    <li
      // biome-ignore lint/a11y/noNoninteractiveTabindex: items are walked through by keyboard
      tabIndex={0}
      className="rounded-lg p-1"
    >
      <p className="mb-1 px-1 text-soft">
        <Link className="text-accent underline" to="/runs/$runId" params={{ runId: run.run_id }}>
          {run.run_id}
        </Link>{" "}
        in {run.session_id}, since <Time at={run.updated_at_ms} />
      </p>
      {children}
    </li>
  );
}

const KEYS = ["j", "k", "a", "d", "e"];

function Hints() {
  return (
    <p className="hidden text-soft md:block">
      {KEYS.map((key) => (
        <kbd key={key} className="mx-0.5 rounded border border-line px-1.5 font-mono text-xs">
          {key}
        </kbd>
      ))}{" "}
      next, previous, approve, deny, edit
    </p>
  );
}

function useKeys(list: RefObject<HTMLOListElement | null>): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const { target, key } = event;
      const isTyping = target instanceof HTMLElement && target.closest("input, textarea") !== null;
      const items = [...(list.current?.children ?? [])] as HTMLElement[];
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey || items.length === 0) return;
      const here = items.findIndex((item) => item.contains(document.activeElement));
      if (key === "j" || key === "k") {
        const next = key === "j" ? here + 1 : Math.max(0, here - 1);
        items[Math.min(next, items.length - 1)]?.focus();
      } else if (["a", "d", "e"].includes(key)) {
        items[here]?.querySelector<HTMLElement>(`[data-act="${key}"]`)?.click();
      } else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [list]);
}
