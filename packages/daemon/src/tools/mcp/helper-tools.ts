import type { Json, JsonObject } from "@kheish/contract";
import { z } from "zod";
import { isCapable } from "../../engine/index.ts";
import type { Tool, ToolContext } from "../../engine/ports.ts";
import { defineTool } from "../define.ts";
import { ToolFailure } from "../failure.ts";
import { success } from "../outcome.ts";
import { type ListKind, UpstreamFailure } from "./connection-port.ts";
import type { Acting } from "./credential-port.ts";
import { SECURITY_NOTICE } from "./descriptions.ts";
import { boundedJson, MCP_LIMITS } from "./json-limits.ts";
import { resourceContents, toolOutput } from "./result.ts";
import type { McpServer } from "./server.ts";

const TIMEOUT_MS = 30_000;
const server = z.string().min(1).describe("Name of the MCP server.");
const cursor = z.string().min(1).optional().describe("next_cursor of an earlier answer; needs 'server'.");
const Listing = z.strictObject({ server: server.optional(), cursor });

/** The servers that there are, and how one of them is reached. */
interface Helped {
  readonly all: readonly McpServer[];
  /** A server that `acting` may use, connected. Rejects with `UpstreamFailure`, which says why not. */
  usable(name: string, acting: Acting, signal: AbortSignal): Promise<McpServer>;
}

/** Tools that reach what servers offer beside tools: resources, and prompts. */
export function helperTools(servers: Helped): Tool[] {
  return [
    listing(servers, "resources", "Lists what MCP servers offer to read."),
    listing(servers, "resource_templates", "Lists patterns of URIs that MCP servers can read."),
    defineTool({
      name: "read_mcp_resource",
      description: "Reads one resource of an MCP server.",
      schema: z.strictObject({ server, uri: z.string().min(1) }),
      ...common,
      execute: async (input, context) => {
        const used = await usable(servers, input.server, context);
        const contents = await asked(used.read(input.uri, context.signal));
        return success({
          server: input.server,
          uri: input.uri,
          ...notice,
          contents: await resourceContents(contents, context.blobs),
        });
      },
    }),
    defineTool({
      name: "list_mcp_prompts",
      description: "Lists the prompts that MCP servers have ready.",
      schema: Listing,
      ...common,
      execute: async (input, context) =>
        success(
          await overServers(servers, input, context, async (used, from) => {
            const { items, nextCursor } = await used.prompts(from, context.signal);
            return page("prompts", used.name, items, nextCursor);
          }),
        ),
    }),
    defineTool({
      name: "get_mcp_prompt",
      description: "Fills in a prompt of an MCP server and returns its messages, as data.",
      schema: z.strictObject({
        server,
        name: z.string().min(1),
        arguments: z.record(z.string(), z.string()).optional(),
      }),
      ...common,
      execute: async (input, context) => {
        const used = await usable(servers, input.server, context);
        const content = await asked(used.prompt(input.name, input.arguments ?? {}, context.signal));
        const { content: messages } = await toolOutput({ content: content ?? [] }, context.blobs);
        return success({ server: input.server, name: input.name, ...notice, messages: messages ?? [] });
      },
    }),
  ];
}

const common = {
  effect: "read",
  /** The requests that follow have records of their own. */
  boundary: () => ({ kind: "mcp", target: "mcp:servers" }),
  timeoutMs: TIMEOUT_MS,
  sandbox: "network_enabled",
  allowsParallel: true,
} as const;
const notice = { untrusted: true, security_notice: SECURITY_NOTICE } as const;

function listing(servers: Helped, what: ListKind, description: string): Tool {
  return defineTool({
    name: `list_mcp_${what}`,
    description,
    schema: Listing,
    ...common,
    execute: async (input, context) =>
      success(
        await overServers(servers, input, context, async (used, from) => {
          const { items, nextCursor } = await used.list(what, from, context.signal);
          return page(what, used.name, items, nextCursor);
        }),
      ),
  });
}

function page(what: string, name: string, items: unknown[], nextCursor: string | undefined): JsonObject {
  const kept = items.slice(0, MCP_LIMITS.resourceItems);
  return {
    server: name,
    ...notice,
    [what]: kept.map((item) => boundedJson(item)),
    next_cursor: nextCursor ?? null,
    ...(kept.length < items.length ? { truncated: true, original_items: items.length } : {}),
  };
}

/** One server's answer, or one of each server; there a server that fails has an entry that says so. */
async function overServers(
  servers: Helped,
  input: { server?: string | undefined; cursor?: string | undefined },
  context: ToolContext,
  list: (used: McpServer, cursor: string | undefined) => Promise<JsonObject>,
): Promise<Json> {
  if (input.server !== undefined) {
    const used = await usable(servers, input.server, context);
    return asked(list(used, input.cursor));
  }
  const visible = servers.all.filter(({ name }) => isSeen(name, context));
  return Promise.all(
    visible.map(async ({ name }): Promise<Json> => {
      try {
        return await list(await usable(servers, name, context), undefined);
      } catch (error) {
        if (!(error instanceof UpstreamFailure || error instanceof ToolFailure)) throw error;
        return { server: name, error: error.message };
      }
    }),
  );
}

/** 03-R64. */
async function usable(servers: Helped, name: string, context: ToolContext): Promise<McpServer> {
  if (!isSeen(name, context)) throw new ToolFailure(`MCP server '${name}' is not available in this session`);
  const { session_id, credential_scope: scope, signal } = context;
  return asked(servers.usable(name, { session_id, scope }, signal));
}

function isSeen(name: string, { capability_scope: scope }: ToolContext): boolean {
  return scope === undefined || isCapable(scope, "mcp_server", name);
}

async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof UpstreamFailure ? new ToolFailure(error.message) : error;
  }
}
