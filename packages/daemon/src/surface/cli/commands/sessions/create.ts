import { CapabilityScope, CredentialScope } from "@kheish/contract";
import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { addJsonPair, readJsonPair } from "../../flags/json-pair.ts";
import { sessionDetail } from "../../views/session.ts";

interface Flags {
  threadId?: string;
  personaId?: string;
  capabilityScopeJson?: string;
  capabilityScopeFile?: string;
  credentialScopeJson?: string;
  credentialScopeFile?: string;
}

export function defineCreate(sessions: Command, cli: Cli): void {
  const create = sessions
    .command("create [session_id]")
    .alias("open")
    .description("Create a session, or return the one that has this id")
    .option("--thread-id <id>", "the provider's id of the conversation")
    .option("--persona-id <id>", "who the agent is");
  addJsonPair(create, "capability-scope", "what the session may use");
  addJsonPair(create, "credential-scope", "which credentials the session may use");
  create.action(async (sessionId: string | undefined, flags: Flags) => {
    const body = await requestFrom(sessionId, flags, cli);
    const client = await cli.client();
    cli.output.print(await client.call("createSession", { body }), sessionDetail);
  });
}

async function requestFrom(sessionId: string | undefined, flags: Flags, { context }: Cli) {
  const capability = { json: flags.capabilityScopeJson, file: flags.capabilityScopeFile };
  const credential = { json: flags.credentialScopeJson, file: flags.credentialScopeFile };
  return {
    session_id: sessionId,
    thread_id: flags.threadId,
    persona_id: flags.personaId,
    capability_scope: await readJsonPair(capability, CapabilityScope, "capability scope", context),
    credential_scope: await readJsonPair(credential, CredentialScope, "credential scope", context),
  };
}
