import { startPostgresApp } from "../peers/postgres-app.ts";
import { Restate } from "../peers/restate/index.ts";
import type { StepsSide } from "./side.ts";

const nothing = async () => undefined;

export async function restateSide(steps: number): Promise<StepsSide> {
  const restate = await Restate.start();
  return {
    name: "restate",
    versions: restate.versions,
    prepare: nothing,
    runSteps: () => restate.runSteps(steps),
    remove: () => restate.remove(),
  };
}

export async function postgresSide(
  name: "dbos" | "langgraph",
  databaseUrl: string,
  steps: number,
): Promise<StepsSide> {
  const app = await startPostgresApp(name, databaseUrl);
  return {
    name,
    versions: app.versions,
    prepare: nothing,
    runSteps: () => app.runSteps(steps),
    remove: app.remove,
  };
}
