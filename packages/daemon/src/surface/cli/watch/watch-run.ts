import type { RunView } from "@kheish/contract";
import type { Cli } from "../cli.ts";
import type { DaemonClient } from "../client/client.ts";
import { answerHints } from "../commands/settle.ts";
import { endsRun, streamEvent } from "../views/stream-line.ts";
import { type Advance, advance, reconnection } from "./advance.ts";
import { liveLines } from "./live-lines.ts";
import { LiveScreen } from "./live-screen.ts";
import { answerLines, headerLine } from "./run-lines.ts";
import { watchStateOf } from "./state.ts";
import type { WatchView } from "./view.ts";
import { withTicks } from "./with-ticks.ts";

const REPAINT_MS = 1_000;
const MOST_LIVE_ROWS = 12;
const FALLBACK_ROWS = 24;
const EXIT_ON_CTRL_C = 130;

/** Shows a run live until it has ended, across restarts of the daemon. Answers how it ended. */
export async function watchRun(
  cli: Cli,
  client: DaemonClient,
  runId: string,
  fromStart: boolean,
): Promise<RunView> {
  const { terminal, clock, host } = cli.context;
  const params = { run_id: runId };
  const run = await client.call("getRun", { params });
  const screen = new LiveScreen(terminal);
  let state = watchStateOf(run, fromStart);

  const view = (): WatchView => ({
    style: cli.output.style(),
    answers: (waiting) => answerHints(cli, waiting),
  });
  const detached = new AbortController();
  const show = ({ state: next, lines }: Advance) => {
    // What was due at the same moment comes after the last words.
    if (detached.signal.aborted) return;
    state = next;
    const rows = Math.min(MOST_LIVE_ROWS, (terminal.rows ?? FALLBACK_ROWS) - 1);
    screen.show(lines, liveLines(state, view().style, rows));
  };

  const stopListening = host.onSignal("SIGINT", () => {
    const { colors } = view().style;
    screen.show([colors.dim(`the run goes on; back to it: ${cli.hint("runs", "watch", runId)}`)], []);
    detached.abort();
    host.exitNow(EXIT_ON_CTRL_C);
  });
  try {
    // What led there is not told again; what came of it is.
    const answer = fromStart ? [] : answerLines(run);
    show({ state, lines: [headerLine(run, view().style), ...answer] });
    const place = fromStart ? { cursor: "0" } : { snapshot: "true" };
    const items = client.stream(
      "runStream",
      { params, query: { ...place, until: "terminal" } },
      { isLast: endsRun, signal: detached.signal },
    );
    for await (const item of withTicks(items, clock, REPAINT_MS)) {
      if (item === "tick") show({ state, lines: [] });
      else if (item.kind === "frame") {
        const event = streamEvent(item.frame);
        if (event !== undefined) show(advance(state, event, view()));
      } else show(reconnection(state, item.kind === "reconnected", view()));
    }
    return state.run;
  } finally {
    detached.abort();
    stopListening();
  }
}
