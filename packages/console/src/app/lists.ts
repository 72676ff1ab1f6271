import {
  isWaiting,
  type ListPage,
  type RunView,
  type SessionView,
  type SessionViewSummary,
} from "@kheish/sdk";

/** What is loaded of a list that grows at its head. */
export interface Loaded<Item> {
  pages: ListPage<Item>[];
  pageParams: unknown[];
}

/** The newest runs, with this one as it is now. Nothing is asked for again because one run of ten thousand moved. */
export function withRun(list: Loaded<RunView> | undefined, run: RunView): Loaded<RunView> | undefined {
  const [first, ...rest] = list?.pages ?? [];
  if (list === undefined || first === undefined) return list;
  const place = list.pages.findIndex((page) => page.items.some(({ run_id }) => run_id === run.run_id));
  if (place === -1) {
    const newest = first.items[0];
    // Older than what is loaded of the list: it stands further down, where nobody looks yet.
    if (newest !== undefined && run.submitted_at_ms < newest.submitted_at_ms) return list;
    const total_count = first.pagination.total_count + 1;
    const grown = { items: [run, ...first.items], pagination: { ...first.pagination, total_count } };
    return { ...list, pages: [grown, ...rest] };
  }
  const pages = list.pages.map((page, index) =>
    index === place
      ? { ...page, items: page.items.map((one) => (one.run_id === run.run_id ? run : one)) }
      : page,
  );
  return { ...list, pages };
}

/** What waits for a human, the longest first, after a run moved. */
export function withWaiting(waiting: readonly RunView[], run: RunView): RunView[] {
  const others = waiting.filter(({ run_id }) => run_id !== run.run_id);
  if (!isWaiting(run.status)) return others;
  const place = waiting.findIndex(({ run_id }) => run_id === run.run_id);
  return place === -1 ? [...others, run] : waiting.map((one, index) => (index === place ? run : one));
}

/** The sessions, with this one as it is now. */
export function withSession(
  sessions: readonly SessionViewSummary[],
  { snapshot, outputs: _outputs, ...view }: SessionView,
): SessionViewSummary[] {
  const summary: SessionViewSummary = {
    ...view,
    status: snapshot.agent.status,
    pending_approvals: snapshot.pending_approvals.length,
    pending_questions: snapshot.pending_questions.length,
  };
  const place = sessions.findIndex(({ session_id }) => session_id === view.session_id);
  return place === -1 ? [...sessions, summary] : sessions.map((one, at) => (at === place ? summary : one));
}
