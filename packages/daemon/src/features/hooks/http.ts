import { type Binding, bind, ok, param } from "../binding.ts";
import type { HookDeadLetters } from "./dead-letters.ts";

export function hookBindings(deadLetters: HookDeadLetters): Binding[] {
  return [
    bind("listHookDeadLetters", async () => ok(await deadLetters.list())),
    bind("resolveHookDeadLetter", async (request) => {
      const { reason } = request.body;
      const id = param(request, "dead_letter_id");
      return ok(await deadLetters.resolve(id, reason ?? undefined, request.principal.id));
    }),
  ];
}
