import type { HookRunner } from "../features/hooks/index.ts";
import { McpService } from "../features/mcp/index.ts";
import { RouteService, vaultSlots } from "../features/routes/index.ts";
import { RuntimeSettings } from "../features/runtime/index.ts";
import { NO_SKILLS, SkillService } from "../features/skills/index.ts";
import { LiveRoutes, type LoadedRoutes } from "../model/index.ts";
import { SkillLibrary } from "../tools/skills/index.ts";
import type { DaemonSettings, World } from "./world.ts";

/** What operators set while a daemon runs; another daemon on the store hears of it. */
export interface Configuration {
  runtime: RuntimeSettings;
  routes: RouteService;
  skills: SkillService;
  /** What is in force of the skills. */
  library: SkillLibrary;
  /** Absent: this daemon has no MCP servers. */
  mcp: McpService | undefined;
}

export function composeConfiguration(
  world: World,
  settings: DaemonSettings,
  hooks: () => HookRunner,
): Configuration {
  const { store, clock, blobs, log, models, credentials } = world;
  const audit = world.audit.ledger;
  const ports = { store, clock, log, audit };
  const mcp = world.mcp === undefined ? undefined : new McpService({ ...ports, blobs, ...world.mcp });
  const { library, load } = world.skills ?? { library: new SkillLibrary(), load: async () => NO_SKILLS };
  const skills = new SkillService({ ...ports, library, load });
  const runtime = new RuntimeSettings({
    skills: () => skills.snapshot(),
    ...(mcp === undefined ? {} : { mcp: () => mcp.snapshot() }),
    store,
    clock,
    audit,
    routes: models,
    workspaceRoot: settings.workspaceRoot,
    stateRoot: settings.stateRoot,
    debug: settings.debug,
    hooks,
  });
  const routes = new RouteService({
    ...ports,
    live: models.live ?? new LiveRoutes(NO_ROUTES.set),
    resolver: runtime.routes,
    ...(world.routes ?? FIXED_ROUTES),
    slots: vaultSlots(credentials.vault),
    runtimeView: () => runtime.view(),
  });
  return { runtime, routes, skills, library, mcp };
}

const NO_ROUTES: LoadedRoutes = { set: { configured: [] }, source: { kind: "serve_args" } };
/** Routes that cannot be read again. */
const FIXED_ROUTES: NonNullable<World["routes"]> = {
  loaded: NO_ROUTES,
  loader: { load: async () => NO_ROUTES, digest: async () => undefined },
  env: {},
};
