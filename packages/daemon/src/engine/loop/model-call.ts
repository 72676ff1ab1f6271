import type { ModelCall } from "../external-actions.ts";
import type { Driver } from "./driver.ts";

/** The run's next model call, as the audit has to know it. */
export function modelCall(driver: Driver, purpose: ModelCall["purpose"]): ModelCall {
  const { run, route, model, deps, runState } = driver;
  const isFirst = runState.last_message === undefined && runState.takeovers === 0;
  return { run: run.data, route, model, models: deps.model, isFirst, purpose };
}
