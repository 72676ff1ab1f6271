import { type Json, McpServerEntry } from "@kheish/contract";
import { z } from "zod";
import type { Op, Store } from "../../kernel/store.ts";

const KIND = "mcp_overlay";
const ID = "current";

const OverlayEntry = z.object({
  entry: McpServerEntry,
  added_at_ms: z.int(),
  added_by: z.string(),
});
const StoredOverlay = z.object({ version: z.literal(1), servers: z.record(z.string(), OverlayEntry) });
export type OverlayEntry = z.infer<typeof OverlayEntry>;

/** The servers that were added at run time, with the revision that guards the next change. */
export interface Overlay {
  revision: number;
  servers: Record<string, OverlayEntry>;
  /** Set when what is stored cannot be read; it counts as empty. */
  corrupt?: Json;
}

export async function readOverlay(store: Store): Promise<Overlay> {
  const stored = await store.get(KIND, ID);
  if (stored === undefined) return { revision: 0, servers: {} };
  const { revision, data } = stored;
  const overlay = StoredOverlay.safeParse(data);
  return overlay.success
    ? { revision, servers: overlay.data.servers }
    : { revision, servers: {}, corrupt: data };
}

/** The write of a changed overlay; what could not be read is kept beside it. */
export function overlayOps(before: Overlay, servers: Overlay["servers"]): Op[] {
  const put = (id: string, data: Json) => ({ op: "put" as const, kind: KIND, id, data, keys: {} });
  const changed = {
    ...put(ID, { version: 1, servers } as unknown as Json),
    expectedRevision: before.revision,
  };
  return before.corrupt === undefined
    ? [changed]
    : [changed, put(`corrupt-${before.revision}`, before.corrupt)];
}
