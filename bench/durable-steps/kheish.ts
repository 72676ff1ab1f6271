import { Daemon, UNATTENDED } from "../support/daemon.ts";
import { closedLoop } from "../support/load.ts";
import { RawHttp } from "../support/raw-http.ts";
import type { StepsSide } from "./side.ts";

/** Enough to make sessions quickly, and no more than a client would. */
const CREATED_AT_ONCE = 32;

/**
 * The daemon, each run in a session of its own. Sessions are made before the clock starts: they are what a run is
 * submitted to, and outlive it. Steps are model turns and tool calls in equal numbers.
 */
export async function kheishSide(name: string, store: string, steps: number): Promise<StepsSide> {
  const daemon = await Daemon.start({ flags: [...UNATTENDED, "--store", store] });
  const http = new RawHttp(daemon.baseUrl);
  const content = JSON.stringify({ simulate: "load", steps: steps / 2, tool: "noop", bytes: 300 });
  const input = JSON.stringify({ content });
  let made = 0;
  let used = 0;
  return {
    name,
    versions: {},
    async prepare(runs) {
      const first = made;
      made += runs;
      await closedLoop(CREATED_AT_ONCE, runs, (index) =>
        http.call("POST", "/v1/sessions", JSON.stringify({ session_id: `steps-${first + index}` })),
      );
    },
    async runSteps() {
      await http.call("POST", `/v1/sessions/steps-${used++}/input`, input);
    },
    remove: () => daemon.remove(),
  };
}
