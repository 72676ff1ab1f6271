import { KheishTimeout, type RunView } from "@kheish/sdk";
import { kheish } from "../../app/client.ts";

/** What came of asking a route's model for one word. */
export type RouteCheck =
  | { outcome: "answers"; run: RunView }
  | { outcome: "fails"; run: RunView; why: string }
  /** Nobody can say: it neither answered nor refused in time. */
  | { outcome: "unknown"; run: RunView };

const PATIENCE_MS = 30_000;

/**
 * One real call through the route, as a run like any other: it is journaled, it is charged, it stands in the list of
 * runs. Its session may use no tools and is ended.
 */
export async function checkRoute(routeId: string): Promise<RouteCheck> {
  const session = await kheish().sessions.create({
    session: `check-${routeId}-${Date.now().toString(36)}`,
    route: routeId,
    capability_scope: { tool_deny: ["*"] },
  });
  const run = await session.responses.create({ prompt: "Answer with the one word: ready" });
  try {
    const { status, error } = await run.wait({ timeoutMs: PATIENCE_MS });
    if (status === "completed") return { outcome: "answers", run: run.view };
    return { outcome: "fails", run: run.view, why: error ?? status };
  } catch (error) {
    if (!(error instanceof KheishTimeout)) throw error;
    await run.cancel();
    return { outcome: "unknown", run: run.view };
  } finally {
    await kheish().sessions.end(session.id, { reason: "the route was checked" });
  }
}
