import type { Json } from "@kheish/contract";
import { calibratedTokens, estimateJson, estimateText, paddedTokens } from "../context/estimate.ts";
import type { Driver } from "../loop/driver.ts";
import { visibleTools } from "../loop/visible-tools.ts";
import type { SessionChange } from "../session-change.ts";
import { catalogueFor } from "../skills/catalogue.ts";
import { skillText } from "../skills/text.ts";
import { visible } from "../state.ts";
import { workedMs } from "./fold.ts";
import { LEAST_OUTPUT_TOKENS, type Need } from "./weigh.ts";

/** What the daemon itself tells every model. */
const SYSTEM_TOKENS = 600;
/** Reserved for the answer of a model whose limit nobody knows. */
const UNKNOWN_OUTPUT_TOKENS = 32_000;

/** The cap of the next answer: what was asked for, else what the model can do; all of that once one was cut (01-R86). */
export function outputCap(driver: Driver): number | undefined {
  const { deps, run, runState, model } = driver;
  const asked = run.data.generation.max_output_tokens;
  const most = deps.model.limits(driver.route, model).max_output_tokens;
  return runState.output_nudges > 0 ? Math.max(asked ?? 0, most ?? 0) || undefined : (asked ?? most);
}

/** What the next model call may use at most: its prompt as it is estimated, and an answer up to its cap. */
export function needOf(driver: Driver, change: SessionChange): Need {
  const { deps, run, runState, model } = driver;
  const { generation } = run.data;
  const input_tokens = promptTokens(driver);
  return {
    input_tokens,
    output_tokens: outputCap(driver) ?? UNKNOWN_OUTPUT_TOKENS,
    least_output_tokens: LEAST_OUTPUT_TOKENS + (generation.reasoning?.budget_tokens ?? 0),
    costOf: (output_tokens) => deps.prices.priceOf(driver.route, model, { input_tokens, output_tokens }),
    wall_time_ms: workedMs(runState, change.now),
  };
}

/** As the provider counted it last, or as we count it; the larger one, for what is held too much comes back. */
function promptTokens(driver: Driver): number {
  const { state, deps, session, run } = driver;
  const entries = visible(state);
  const tools = visibleTools(deps.tools, session, state) as unknown as Json;
  const schema = (run.data.output_contract?.schema ?? null) as Json;
  const counted =
    paddedTokens(entries) + SYSTEM_TOKENS + estimateJson(tools) + estimateJson(schema) + skillTokens(driver);
  return Math.max(counted, calibratedTokens(entries, state.checkpoint?.seq ?? 0));
}

/** What prompts tell of skills besides the conversation: all of them in a line each, active ones that a cut took out. */
function skillTokens(driver: Driver): number {
  const { skills, checkpoint } = driver.state;
  const head = checkpoint?.checkpoint.head_seq ?? 0;
  const told = skills.filter(({ seq }) => seq < head).map(({ skill }) => estimateText(skillText(skill)));
  return told.reduce((sum, tokens) => sum + tokens, estimateText(catalogueFor(driver) ?? ""));
}
