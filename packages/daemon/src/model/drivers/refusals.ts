import type { ModelRequest } from "../../engine/ports.ts";
import type { Route } from "../routes/route.ts";

/** Why a request is not even sent; undefined when it may be. */
export function refusalOf(route: Route, { generation }: ModelRequest): string | undefined {
  const { reasoning, tool_choice } = generation;
  const thinks =
    reasoning?.budget_tokens !== undefined ||
    (reasoning?.effort !== undefined && reasoning.effort !== "none");
  const forcesTool = tool_choice === "required" || typeof tool_choice === "object";
  // 02-R43: Anthropic would answer 400 to every attempt.
  if (route.driver === "anthropic" && thinks && forcesTool) {
    return "Anthropic models cannot think and be forced to call a tool in one turn: leave out reasoning, or set tool_choice to auto or none.";
  }
  return undefined;
}
