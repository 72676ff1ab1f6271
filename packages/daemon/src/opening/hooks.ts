import type { World } from "../compose/world.ts";
import { callbackCaller, commandCaller, httpCaller } from "../features/hooks/index.ts";
import { systemClock } from "../kernel/clock.ts";
import { childEnvironment, startShell } from "../tools/bash/index.ts";
import type { Ground } from "./ground.ts";
import { network } from "./network.ts";

/** How hooks are called that are commands or URLs; nobody is built in to be called back. */
export function openHooks({ env, workspaceRoot }: Ground): NonNullable<World["hooks"]> {
  return {
    command: commandCaller({
      start: startShell,
      childEnv: childEnvironment(env),
      cwd: workspaceRoot,
      clock: systemClock,
    }),
    http: httpCaller({ clock: systemClock, network }),
    callback: callbackCaller(new Map()),
  };
}
