import { resolve } from "node:path";
import type { Clock } from "../../kernel/clock.ts";
import { accountToken } from "./account-token.ts";
import type { Connection } from "./connection-port.ts";
import { UpstreamFailure } from "./connection-port.ts";
import type { McpCredentialPort } from "./credential-port.ts";
import { type ChildEnvironmentSource, serverEnvironment } from "./environment.ts";
import { type Authorization, serverFetch } from "./http-fetch.ts";
import type { StartServerProcess } from "./process.ts";
import type { Era } from "./sdk-connection.ts";
import type { ServerSpec } from "./spec.ts";
import { StdioTransport } from "./stdio-transport.ts";

export interface ConnectionDeps extends ChildEnvironmentSource {
  clock: Clock;
  fetch: typeof fetch;
  /** Where a server's process works, unless its entry says otherwise. */
  workspaceRoot: string;
  /** Of the daemon, told to servers. */
  version: string;
  credentials: Pick<McpCredentialPort, "secret" | "accessTokenFor">;
  /** Hears of secrets that no slot holds, before they are used. */
  holdSecrets: (source: string, secrets: readonly string[]) => void;
  startProcess: StartServerProcess;
}

export type Connect = (
  spec: ServerSpec,
  signal: AbortSignal,
  onToolsChanged: () => void,
) => Promise<Connection>;

/** Opens and initialises connections. Each secret is asked for when it is needed, and never kept. */
export function openConnection(deps: ConnectionDeps): Connect {
  /** What each command turned out to speak, so that a new process of it is not asked again. */
  const eras = new Map<string, Era>();
  return async (spec, signal, onToolsChanged) => {
    if (spec.entry.url !== undefined)
      return overHttp(deps, spec, new URL(spec.entry.url), signal, onToolsChanged);
    const program = JSON.stringify([spec.entry.command, spec.entry.args]);
    const known = eras.get(program);
    try {
      const opened = await overStdio(deps, spec, known ?? "unknown", signal, onToolsChanged);
      eras.set(program, opened.era);
      return opened.connection;
    } catch (error) {
      // Some servers of the older protocol end when they are asked which one they speak.
      if (known !== undefined || signal.aborted || !(error instanceof EndedEarly)) throw error;
      const opened = await overStdio(deps, spec, "legacy", signal, onToolsChanged);
      eras.set(program, opened.era);
      return opened.connection;
    }
  };
}

/** The protocol is loaded by the first server: most daemons have none. */
const sdk = () => import("./sdk-connection.ts");

/** The process was gone before it had said anything that helps. */
class EndedEarly extends UpstreamFailure {}

async function overStdio(
  deps: ConnectionDeps,
  { entry, name }: ServerSpec,
  era: Era | "unknown",
  signal: AbortSignal,
  onToolsChanged: () => void,
) {
  const secrets: Record<string, string> = {};
  for (const [variable, slot] of Object.entries(entry.env_secret_refs))
    secrets[variable] = await secretIn(deps, slot);
  const { initialise } = await sdk();
  const transport = new StdioTransport(
    { clock: deps.clock, start: deps.startProcess },
    {
      command: entry.command ?? "",
      args: entry.args,
      env: serverEnvironment(entry, secrets, deps),
      cwd: resolve(deps.workspaceRoot, entry.cwd ?? "."),
    },
  );
  try {
    return await initialise(transport, { name, version: deps.version, era, signal, onToolsChanged });
  } catch (error) {
    await transport.close();
    throw transport.end === undefined || transport.wasStopped ? error : new EndedEarly(transport.end);
  }
}

async function overHttp(
  deps: ConnectionDeps,
  spec: ServerSpec,
  url: URL,
  signal: AbortSignal,
  onToolsChanged: () => void,
): Promise<Connection> {
  const { httpTransport, initialise } = await sdk();
  const transport = httpTransport(
    url,
    serverFetch(deps.fetch, () => authorizationOf(deps, spec, url)),
  );
  // Said before anything is sent, so that what is missing is named and not met as a 401.
  await authorizationOf(deps, spec, url);
  const { name } = spec;
  const opened = await initialise(transport, {
    name,
    version: deps.version,
    era: "unknown",
    signal,
    onToolsChanged,
  });
  return opened.connection;
}

/** 03, MCP server entry: literal values, variables, secrets; and one bearer token, in the order of its sources. */
async function authorizationOf(deps: ConnectionDeps, spec: ServerSpec, url: URL): Promise<Authorization> {
  const { entry, name } = spec;
  const headers: Record<string, string> = { ...entry.headers };
  const fromHost: string[] = [];
  for (const [header, variable] of Object.entries(entry.env_http_headers)) {
    const value = deps.hostEnv[variable];
    if (value === undefined || value === "") continue;
    headers[header] = value;
    fromHost.push(value);
  }
  for (const [header, slot] of Object.entries(entry.http_header_secret_refs))
    headers[header] = await secretIn(deps, slot);
  if (entry.oauth_slot_ref !== undefined) {
    const account = await accountToken(deps.credentials, {
      slot_id: entry.oauth_slot_ref,
      server: name,
      resource: entry.oauth_resource ?? url.href,
      scopes: entry.oauth_scopes,
    });
    deps.holdSecrets(`mcp:${name}:env`, fromHost);
    return { headers: bearing(headers, account.value), onRefused: account.onRefused };
  }
  const token = await bearerOf(deps, spec, fromHost);
  deps.holdSecrets(`mcp:${name}:env`, fromHost);
  return { headers: token === undefined ? headers : bearing(headers, token) };
}

function bearing(headers: Record<string, string>, token: string): Record<string, string> {
  return { ...headers, authorization: `Bearer ${token}` };
}

async function bearerOf(
  deps: ConnectionDeps,
  { entry, importedBearer }: ServerSpec,
  fromHost: string[],
): Promise<string | undefined> {
  const { bearer_token_secret_ref: slot, bearer_token_env_var: variable } = entry;
  if (slot !== undefined) return secretIn(deps, slot);
  const value = variable === undefined ? undefined : deps.hostEnv[variable];
  if (value === undefined || value === "") return importedBearer;
  fromHost.push(value);
  return value;
}

async function secretIn({ credentials }: ConnectionDeps, slotId: string): Promise<string> {
  const secret = await credentials.secret(slotId);
  if (!secret.ok) throw new UpstreamFailure(secret.message);
  return secret.value;
}
