import type { Tool } from "../../engine/ports.ts";
import { failure } from "../outcome.ts";
import { toolTarget } from "./actions.ts";
import { isObject } from "./input-schema.ts";
import type { ToolServer } from "./mcp-tool.ts";

/**
 * A tool of a server that no session has connected to yet (03-R62), called by a name from before: by a run that was under
 * way when its daemon died, or by a model that remembers. It brings the server up within the scope of the session that
 * calls, and then is the tool that it stands for, if that is there and has the same name at its server: whatever was
 * allowed, was allowed for that one. How it may be repeated is not known before, so it is not.
 */
export function standIn(server: ToolServer, name: string, tool: string, real: () => Tool | undefined): Tool {
  return {
    name,
    description: "",
    input_schema: { type: "object" },
    effect: "once",
    timeoutMs: server.toolTimeoutMs,
    sandbox: "network_enabled",
    allowsParallel: true,
    unlisted: true,
    boundary: () => ({ kind: "mcp", target: toolTarget(server.name, tool) }),
    mcp: { server: server.name, tool },
    parse: (input) =>
      isObject(input) ? { ok: true, input } : { ok: false, error: "Invalid input at $: an object is needed" },
    async execute(input, context) {
      const { session_id, credential_scope: scope, signal } = context;
      const refusal = await server.ready({ session_id, scope }, signal);
      if (refusal !== undefined) return failure(refusal);
      const meant = real();
      if (meant?.mcp?.server !== server.name || meant.mcp.tool !== tool) return failure("tool not found");
      const parsed = meant.parse(input);
      return parsed.ok ? meant.execute(parsed.input, context) : failure(parsed.error);
    },
  };
}
