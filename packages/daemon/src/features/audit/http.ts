import { type CommandDeps, requireRun } from "../../engine/index.ts";
import type { Audit } from "../../governance/audit/index.ts";
import { type Binding, bind, ok, param } from "../binding.ts";

export function auditBindings({ store }: Pick<CommandDeps, "store">, audit: Audit): Binding[] {
  return [
    bind("externalActions", async (request) => {
      const { id } = await requireRun(store, param(request, "run_id"));
      return ok(await audit.actionsOf(id));
    }),
    bind("exportAudit", async (request) => ok(await audit.exportPage(request.query))),
    bind("auditKeys", async () => ok(await audit.keyRing())),
  ];
}
