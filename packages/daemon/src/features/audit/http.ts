import { type CommandDeps, requireRun } from "../../engine/index.ts";
import type { Audit } from "../../governance/audit/index.ts";
import { type Binding, bind, ok, param } from "../binding.ts";

/** How many of the records, the last ones, are chained and not yet signed for by an anchor. */
const UNSIGNED_HEADER = "x-audit-unsigned-count";

export function auditBindings({ store }: Pick<CommandDeps, "store">, audit: Audit): Binding[] {
  return [
    bind("externalActions", async (request) => {
      const { id } = await requireRun(store, param(request, "run_id"));
      const { records, unsignedCount } = await audit.actionsOf(id);
      return { status: 200, json: records, headers: { [UNSIGNED_HEADER]: String(unsignedCount) } };
    }),
    bind("exportAudit", async (request) => ok(await audit.exportPage(request.query))),
    bind("auditKeys", async () => ok(await audit.keyRing())),
  ];
}
