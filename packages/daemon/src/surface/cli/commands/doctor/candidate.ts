import type { AuthSlotStatus } from "@kheish/contract";
import { examineFile, RouteConfigError } from "../../../../model/index.ts";
import type { DaemonClient } from "../../client/client.ts";
import type { CliContext } from "../../context.ts";
import { readTextFile } from "../../flags/named-file.ts";
import { type Check, failed } from "./check.ts";
import type { RouteReadiness } from "./readiness.ts";

/** A routes file that no daemon has loaded yet. */
export interface Candidate {
  routes: RouteReadiness[];
  sha256?: string;
  /** What would keep a daemon from starting with it. */
  mistake?: Check;
}

/** Reads a routes file as a daemon in this environment would; keys are looked for only when asked. */
export async function readCandidate(
  path: string,
  checkAuth: boolean,
  context: CliContext,
  client: DaemonClient,
): Promise<Candidate> {
  const text = await readTextFile(path, context);
  const slots = checkAuth ? await slotsOf(client) : new Map<string, AuthSlotStatus>();
  try {
    const { sha256, routes } = examineFile(text, {
      env: context.env,
      slotStatus: (slotId) => slots.get(slotId),
    });
    return {
      sha256,
      routes: routes.map(({ readiness, hasCredential }) =>
        hasCredential || checkAuth ? { ...readiness } : { ...readiness, ...NOT_CHECKED },
      ),
    };
  } catch (error) {
    if (!(error instanceof RouteConfigError)) throw error;
    const action = "correct it; a daemon would refuse to start with it, and to reload it";
    return { routes: [], mistake: failed("routes_file", "routes_file_invalid", error.message, action) };
  }
}

/** Slots are the daemon's; without one, or without its word, there are none. */
async function slotsOf(client: DaemonClient): Promise<Map<string, AuthSlotStatus>> {
  try {
    return new Map((await client.call("listSecrets")).map((status) => [status.slot_id, status]));
  } catch {
    return new Map();
  }
}

const NOT_CHECKED = {
  state: "ok" as const,
  code: "route_auth_not_checked",
  message: "the route is well-formed; --check-auth also looks for its credential",
  action: undefined,
};
