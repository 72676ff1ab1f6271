import { type Binding, bind, ok } from "../binding.ts";
import type { RuntimeSettings } from "./settings.ts";
import { capabilities, type StatusService } from "./status.ts";

export function runtimeBindings(settings: RuntimeSettings, status: StatusService): Binding[] {
  return [
    bind("status", async () => ok(await status.status())),
    bind("capabilities", async () => ok(capabilities())),
    bind("getRuntime", async () => ok(settings.view())),
    bind("setPermissionMode", async (request) =>
      ok(await settings.setPermissionMode(request.body.mode, request.body.expected_revision)),
    ),
  ];
}
