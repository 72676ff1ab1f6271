import type { CreatedToken } from "@kheish/contract";
import type { Facts } from "../invariants/facts.ts";
import type { TokenAct } from "../plan/plan.ts";
import type { World } from "../world/world.ts";
import type { Client } from "./client.ts";

/** Creates tokens, also with tokens; uses them, and goes on when they are revoked. */
export async function holdTokens(
  world: World,
  facts: Facts,
  client: Client,
  acts: readonly TokenAct[],
): Promise<void> {
  const held = new Map<string, CreatedToken>();
  const creating: Promise<void>[] = [];
  for (const act of acts) {
    await client.sleep(act.pauseMs);
    // Nobody waits for what a token creates: it may be revoked meanwhile.
    if (act.act === "create" && act.by !== undefined) creating.push(create(world, facts, client, held, act));
    else if (act.act === "create") await create(world, facts, client, held, act);
    else if (act.act === "use") await use(client, held.get(act.name));
    else await revoke(world, facts, client, held.get(act.name));
  }
  await Promise.all(creating);
}

/** Once: the secret of a token whose creation nobody heard of is lost, as it stands in that answer only. */
async function create(
  world: World,
  facts: Facts,
  client: Client,
  held: Map<string, CreatedToken>,
  { name, by, verbs, resources }: Extract<TokenAct, { act: "create" }>,
): Promise<void> {
  const bearer = by === undefined ? undefined : held.get(by)?.secret;
  if (by !== undefined && bearer === undefined) return;
  const answer = await client.once("createToken", {
    body: { name, verbs, resources },
    ...(bearer === undefined ? {} : { bearer }),
  });
  world.mark(`token: create ${answer?.code ?? answer?.status ?? "unheard"}`);
  if (answer?.status !== 201) return;
  const token = answer.json as unknown as CreatedToken;
  held.set(name, token);
  const { tokens, revoked } = facts.access;
  if (!tokens.has(token.token_id) && !revoked.has(token.token_id)) {
    world.violate("acknowledged", `token ${name} is acknowledged, and no commit has made it`);
  }
}

/** Whatever it asks for: what is watched is whether it is let in. */
async function use(client: Client, token: CreatedToken | undefined): Promise<void> {
  if (token === undefined) return;
  await client.once("getRuntime", { bearer: token.secret });
}

async function revoke(
  world: World,
  facts: Facts,
  client: Client,
  token: CreatedToken | undefined,
): Promise<void> {
  if (token === undefined) return;
  const { token_id } = token;
  const { status } = await client.insist("revokeToken", { params: { token_id }, body: {} });
  world.mark(`token: revoke ${status}`);
  if (status !== 200 && status !== 404) {
    world.violate("access", `revoking ${token_id} is answered ${status}`);
  } else if (!facts.access.revoked.has(token_id)) {
    world.violate("acknowledged", `the revocation of ${token_id} is acknowledged, and no commit has made it`);
  }
}
