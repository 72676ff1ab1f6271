import { CapabilityScope, CredentialScope, type SessionView } from "@kheish/contract";
import type { Command } from "commander";
import type { ZodType, z } from "zod";
import type { Cli } from "../../cli.ts";
import type { DaemonClient } from "../../client/client.ts";
import { UsageError } from "../../errors.ts";
import { addJsonPair, type JsonSource, readJsonPair } from "../../flags/json-pair.ts";
import { sessionDetail } from "../../views/session.ts";

interface Flags {
  clear?: boolean;
  capabilityScopeJson?: string;
  capabilityScopeFile?: string;
  credentialScopeJson?: string;
  credentialScopeFile?: string;
}

interface SessionParams {
  session_id: string;
}

/** How one of the two scopes is named, read and sent. */
interface Scope<S extends ZodType> {
  name: "capability-scope" | "credential-scope";
  what: string;
  schema: S;
  source: (flags: Flags) => JsonSource;
  put: (client: DaemonClient, params: SessionParams, scope: z.output<S>) => Promise<SessionView>;
  clear: (client: DaemonClient, params: SessionParams) => Promise<SessionView>;
}

export function defineScopes(sessions: Command, cli: Cli): void {
  defineScope(sessions, cli, {
    name: "capability-scope",
    what: "what the session may use",
    schema: CapabilityScope,
    source: (flags) => ({ json: flags.capabilityScopeJson, file: flags.capabilityScopeFile }),
    put: (client, params, scope) =>
      client.call("putCapabilityScope", { params, body: { capability_scope: scope } }),
    clear: (client, params) => client.call("deleteCapabilityScope", { params }),
  });
  defineScope(sessions, cli, {
    name: "credential-scope",
    what: "which credentials the session may use",
    schema: CredentialScope,
    source: (flags) => ({ json: flags.credentialScopeJson, file: flags.credentialScopeFile }),
    put: (client, params, scope) =>
      client.call("putCredentialScope", { params, body: { credential_scope: scope } }),
    clear: (client, params) => client.call("deleteCredentialScope", { params }),
  });
}

function defineScope<S extends ZodType>(sessions: Command, cli: Cli, scope: Scope<S>): void {
  const command = sessions
    .command(`set-${scope.name} <session_id>`)
    .description(`Replace ${scope.what}; only while it is idle`)
    .option("--clear", "remove the limits");
  addJsonPair(command, scope.name, scope.what).action(async (sessionId: string, flags: Flags) => {
    const label = scope.name.replace("-", " ");
    const value = await readJsonPair(scope.source(flags), scope.schema, label, cli.context);
    if ((value === undefined) !== Boolean(flags.clear)) throw new UsageError(`give a ${label} or --clear`);
    const client = await cli.client();
    const params = { session_id: sessionId };
    const session =
      value === undefined ? await scope.clear(client, params) : await scope.put(client, params, value);
    cli.output.print(session, sessionDetail);
  });
}
