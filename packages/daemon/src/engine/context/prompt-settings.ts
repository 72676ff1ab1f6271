import type { LoopDeps } from "../loop/deps.ts";
import type { RunRecord, SessionRecord } from "../records.ts";
import { catalogueFor } from "../skills/catalogue.ts";
import type { PromptInput } from "./prompt.ts";

export type PromptSettingsDeps = Pick<LoopDeps, "tools" | "skills" | "workspaceRoot" | "systemPrompt">;

/** What a prompt takes from how the daemon, the session and the run are set: all of it but the conversation. */
export function promptSettings(
  deps: PromptSettingsDeps,
  session: SessionRecord,
  run: RunRecord,
): Omit<PromptInput, "session_id" | "run_id" | "turn" | "route" | "model" | "generation" | "tools"> {
  const { credential_scope, capability_scope, hook_agent } = session;
  const skillCatalogue = catalogueFor({ deps, session });
  return {
    workspaceRoot: deps.workspaceRoot,
    ...(credential_scope === undefined ? {} : { credentialScope: credential_scope }),
    ...(capability_scope === undefined ? {} : { capabilityScope: capability_scope }),
    ...(skillCatalogue === undefined ? {} : { skillCatalogue }),
    systemPrompt:
      hook_agent === undefined ? deps.systemPrompt() : { override_prompt: hook_agent.system_prompt },
    ...(run.output_contract === undefined ? {} : { answerSchema: run.output_contract.schema }),
  };
}
