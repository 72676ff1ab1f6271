import type { ModelCall } from "../external-actions.ts";
import type { Driver } from "./driver.ts";

/** The run's next model call, as the audit has to know it. */
export function modelCall({ run, route, model, deps }: Driver, purpose: ModelCall["purpose"]): ModelCall {
  return { run: run.data, route, model, models: deps.model, purpose };
}
