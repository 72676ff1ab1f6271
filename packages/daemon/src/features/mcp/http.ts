import { type Binding, bind, ok, param } from "../binding.ts";
import type { McpService } from "./service.ts";

export function mcpBindings(mcp: McpService): Binding[] {
  return [
    bind("getMcp", async () => ok(mcp.snapshot())),
    bind("addMcpServer", async ({ body, principal }) => ok(await mcp.add(body, principal.id))),
    bind("removeMcpServer", async (request) =>
      ok(await mcp.remove(param(request, "name"), request.principal.id)),
    ),
    bind("reloadMcp", async ({ principal }) => ok(await mcp.reload(principal.id))),
    bind("callMcpTool", async (request) => {
      const { body, requestId, signal } = request;
      return ok(await mcp.call(param(request, "tool_name"), body.input, requestId, signal));
    }),
  ];
}
