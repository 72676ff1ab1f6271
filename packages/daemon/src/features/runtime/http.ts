import { type Binding, bind, ok } from "../binding.ts";
import { capabilities } from "./capabilities.ts";
import type { PermissionExplainer } from "./permissions.ts";
import type { StatusService } from "./status.ts";

export function statusBindings(status: StatusService): Binding[] {
  return [
    bind("status", async () => ok(await status.status())),
    bind("capabilities", async () => ok(capabilities())),
  ];
}

export function permissionBindings(explainer: PermissionExplainer): Binding[] {
  return [
    bind("checkPermission", async ({ body }) => {
      const { tool_name, tool_call_id, session_id, input, mode_override } = body;
      const scope = { sessionId: session_id ?? undefined, mode: mode_override ?? undefined };
      const call = { id: tool_call_id ?? undefined, name: tool_name, input: input ?? {} };
      return ok(await explainer.explain(call, scope));
    }),
    bind("permissionMatrix", async ({ body }) => ok(await explainer.matrix(body.session_id ?? undefined))),
  ];
}
