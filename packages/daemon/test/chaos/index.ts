import { governedScenario } from "./governed/scenario.ts";
import { loadScenario } from "./load-scenario.ts";
import { mcpScenario } from "./mcp/scenario.ts";
import type { ChaosOptions } from "./options.ts";
import type { Report } from "./report.ts";
import { sigtermScenario } from "./sigterm-scenario.ts";
import type { Surroundings } from "./stage.ts";
import { tasksScenario } from "./tasks/scenario.ts";

/** One chaos run, from an empty directory to its figures. */
export function runChaos(options: ChaosOptions, surroundings: Surroundings): Promise<Report> {
  const play = {
    load: loadScenario,
    sigterm: sigtermScenario,
    governed: governedScenario,
    mcp: mcpScenario,
    tasks: tasksScenario,
  }[options.scenario];
  return play(options, surroundings);
}
