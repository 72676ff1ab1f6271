import { type JsonObject, problem, type RuntimeSetting, type RuntimeSettingsView } from "@kheish/contract";
import { type Binding, type BoundRequest, bind, ok, param, type Reply } from "../../binding.ts";
import { checked, checkedSystemPrompt, documentIn, merged, systemPromptFrom } from "./input.ts";
import { DEFAULT_LEARNING_POLICY, type Snapshot } from "./revision.ts";
import type { ChangeContext, RuntimeSettings } from "./settings.ts";

type Documents = "hooks" | "learning_policy" | "run_memory_policy" | "tool_runtime_limits";
type Asked = Pick<BoundRequest, "principal" | "requestId" | "ifMatch"> & { body: object; query: object };

/** The endpoints of the settings. Every change answers the whole view, with its revision as `ETag` (02-R1). */
export function settingsBindings(settings: RuntimeSettings): Binding[] {
  const set = async (
    request: Asked,
    setting: RuntimeSetting,
    next: (now: Snapshot) => Partial<Snapshot>,
  ): Promise<Reply> => tagged(await settings.set(contextOf(request), setting, next));
  /** POST, wrapped or flat (02-R10). */
  const post = (request: Asked, setting: Documents) => {
    const document = documentIn(setting, request.body as Record<string, unknown>);
    return set(request, setting, () => ({ [setting]: checked(setting, document) }));
  };
  /** PUT: what GET answers. */
  const put = (request: Asked, setting: Documents) =>
    set(request, setting, () => ({ [setting]: checked(setting, request.body as JsonObject) }));
  const patch = (request: Asked, setting: Documents) =>
    set(request, setting, (now) => {
      const present = now[setting] ?? DEFAULT_LEARNING_POLICY;
      return { [setting]: checked(setting, merged(present as JsonObject, request.body as JsonObject)) };
    });
  const setModel = (request: Asked & { body: { provider?: string | null | undefined; model: string } }) =>
    set(request, "model", () => ({ default_route: chosenRoute(settings, request.body) }));
  const get = async (setting: Documents): Promise<Reply> => {
    const { now, revision } = await settings.settled(() => ({
      now: settings.now,
      revision: settings.revision,
    }));
    return { status: 200, json: now[setting] ?? DEFAULT_LEARNING_POLICY, headers: etag(revision) };
  };

  return [
    bind("getRuntime", async () => tagged(await settings.settled(() => settings.view()))),
    bind("setModel", setModel),
    bind("putModel", setModel),
    bind("setPermissionMode", (r) => set(r, "permission_mode", () => ({ permission_mode: r.body.mode }))),
    bind("putPermissionMode", (r) => set(r, "permission_mode", () => ({ permission_mode: r.body.mode }))),
    bind("setSystemPrompt", (r) =>
      set(r, "system_prompt", () => ({ system_prompt: systemPromptFrom(r.body.settings) })),
    ),
    bind("putSystemPrompt", (r) =>
      set(r, "system_prompt", () => ({ system_prompt: systemPromptFrom(r.body) })),
    ),
    bind("patchSystemPrompt", (r) =>
      set(r, "system_prompt", (now) => ({
        system_prompt: checkedSystemPrompt(merged(now.system_prompt as JsonObject, r.body)),
      })),
    ),
    bind("setDebugLevel", (r) => set(r, "debug_level", () => ({ debug_level: r.body.level }))),
    bind("putDebugLevel", (r) => set(r, "debug_level", () => ({ debug_level: r.body.level }))),
    bind("getHooks", () => get("hooks")),
    bind("setHooks", (r) => post(r, "hooks")),
    bind("putHooks", (r) => put(r, "hooks")),
    bind("patchHooks", (r) => patch(r, "hooks")),
    bind("getLearningPolicy", () => get("learning_policy")),
    bind("setLearningPolicy", (r) => post(r, "learning_policy")),
    bind("putLearningPolicy", (r) => put(r, "learning_policy")),
    bind("patchLearningPolicy", (r) => patch(r, "learning_policy")),
    bind("getRunMemoryPolicy", () => get("run_memory_policy")),
    bind("setRunMemoryPolicy", (r) => post(r, "run_memory_policy")),
    bind("putRunMemoryPolicy", (r) => put(r, "run_memory_policy")),
    bind("patchRunMemoryPolicy", (r) => patch(r, "run_memory_policy")),
    bind("getToolLimits", () => get("tool_runtime_limits")),
    bind("setToolLimits", (r) => post(r, "tool_runtime_limits")),
    bind("putToolLimits", (r) => put(r, "tool_runtime_limits")),
    bind("patchToolLimits", (r) => patch(r, "tool_runtime_limits")),
    bind("listRuntimeRevisions", async () => ok({ revisions: await settings.revisions() })),
    bind("diffRuntimeRevision", async (request) => {
      const { against } = request.query;
      const other = against === undefined ? undefined : revisionNumber(against);
      return ok(await settings.diff(revisionNumber(param(request, "revision")), other));
    }),
    bind("rollbackRuntime", async (request) => {
      const { target_revision: revision, setting } = request.body;
      const wish = { revision: revision ?? undefined, setting: setting ?? undefined };
      return tagged(await settings.rollback(contextOf(request), wish));
    }),
  ];
}

/** Resolved as a run's would be, so that a default that no run could use is refused (02-R32, R35, R36). */
function chosenRoute(
  { routes }: RuntimeSettings,
  { provider, model }: { provider?: string | null | undefined; model: string },
): NonNullable<Snapshot["default_route"]> {
  const pinned = routes.resolve({ model, ...(provider == null ? {} : { provider }) });
  return { route_id: pinned.route_id, provider: pinned.driver, model: pinned.model };
}

function contextOf(request: Asked): ChangeContext {
  const {
    expected_revision: expectedRevision,
    skip_hooks: skipHooks,
    reason,
  } = request.body as {
    expected_revision?: number | null;
    skip_hooks?: boolean | null;
    reason?: string | null;
  };
  const { reason: asked } = request.query as { reason?: string };
  return {
    actor: request.principal.id,
    requestId: request.requestId,
    reason: (reason ?? asked) || undefined,
    expectedRevision: expectedRevision ?? undefined,
    skipHooks: skipHooks ?? undefined,
    ifMatch: request.ifMatch === undefined ? undefined : revisionsIn(request.ifMatch),
  };
}

/** The revisions that an `If-Match` names; undefined for `*`, which any revision matches. */
function revisionsIn(header: string): number[] | undefined {
  if (header.trim() === "*") return undefined;
  return header.split(",").map((tag) => {
    const revision = /^(?:W\/)?"(\d{1,15})"$/.exec(tag.trim())?.[1];
    if (revision !== undefined) return Number(revision);
    const detail = 'If-Match must be the ETag of the settings, such as "12"';
    throw problem("runtime", "runtime_validation_failed", detail);
  });
}

function revisionNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw problem("runtime", "runtime_validation_failed", "a revision is a whole number");
}

function tagged(view: RuntimeSettingsView): Reply {
  return { status: 200, json: view, headers: etag(view.config.revision) };
}

function etag(revision: number): Record<string, string> {
  return { etag: `"${revision}"` };
}
