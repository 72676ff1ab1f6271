import { actorOf, type Binding, bind, ok, param } from "../binding.ts";
import type { TokenService } from "./service.ts";

export function tokenBindings(tokens: TokenService): Binding[] {
  return [
    bind("listTokens", async () => ok(await tokens.list())),
    bind("createToken", async (request) => ok(await tokens.create(request.body, actorOf(request)), 201)),
    bind("revokeToken", async (request) =>
      ok(await tokens.revoke(param(request, "token_id"), actorOf(request))),
    ),
  ];
}
