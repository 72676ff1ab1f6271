import { CapabilityScope, CredentialScope } from "@kheish/contract";
import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { UsageError } from "../../errors.ts";
import { addJsonPair, readJsonPair } from "../../flags/json-pair.ts";
import { sessionDetail } from "../../views/session.ts";

interface CapabilityFlags {
  clear?: boolean;
  capabilityScopeJson?: string;
  capabilityScopeFile?: string;
}

interface CredentialFlags {
  clear?: boolean;
  credentialScopeJson?: string;
  credentialScopeFile?: string;
}

export function defineScopes(sessions: Command, cli: Cli): void {
  defineCapabilityScope(sessions, cli);
  defineCredentialScope(sessions, cli);
}

function defineCapabilityScope(sessions: Command, cli: Cli): void {
  const command = scopeCommand(sessions, "capability-scope", "what the session may use");
  command.action(async (sessionId: string, flags: CapabilityFlags) => {
    const source = { json: flags.capabilityScopeJson, file: flags.capabilityScopeFile };
    const scope = await readJsonPair(source, CapabilityScope, "capability scope", cli.context);
    requireOne(scope, flags.clear);
    const client = await cli.client();
    const params = { session_id: sessionId };
    const session =
      scope === undefined
        ? await client.call("deleteCapabilityScope", { params })
        : await client.call("putCapabilityScope", { params, body: { capability_scope: scope } });
    cli.output.print(session, sessionDetail);
  });
}

function defineCredentialScope(sessions: Command, cli: Cli): void {
  const command = scopeCommand(sessions, "credential-scope", "which credentials the session may use");
  command.action(async (sessionId: string, flags: CredentialFlags) => {
    const source = { json: flags.credentialScopeJson, file: flags.credentialScopeFile };
    const scope = await readJsonPair(source, CredentialScope, "credential scope", cli.context);
    requireOne(scope, flags.clear);
    const client = await cli.client();
    const params = { session_id: sessionId };
    const session =
      scope === undefined
        ? await client.call("deleteCredentialScope", { params })
        : await client.call("putCredentialScope", { params, body: { credential_scope: scope } });
    cli.output.print(session, sessionDetail);
  });
}

function scopeCommand(sessions: Command, name: string, what: string): Command {
  const command = sessions
    .command(`set-${name} <session_id>`)
    .description(`Replace ${what}; only while it is idle`)
    .option("--clear", "remove the limits");
  return addJsonPair(command, name, what);
}

function requireOne(scope: object | undefined, clear: boolean | undefined): void {
  if ((scope === undefined) !== Boolean(clear)) throw new UsageError("give a scope or --clear");
}
