import { expect, test } from "vitest";
import { OAuthWorld, OPEN, SLOT } from "./oauth-world.ts";
import { type McpControl, SAY, useMcp } from "./support.ts";

const serve = useMcp();

/** A daemon that knows the protected server, and nobody has logged in yet. */
async function scene(entry: object = {}) {
  const world = await OAuthWorld.create();
  const control = await serve();
  const config = { url: world.resource, oauth_slot_ref: SLOT, ...entry };
  return { world, control, config };
}

/** In one run: brings the server up, and then makes the calls; what the last one answered. */
function playing(control: McpControl, session: string, ...calls: [tool: string, name: string][]) {
  return control.play(session, [
    { tool_calls: [OPEN] },
    ...calls.map(([tool, name]) => control.callOf(`mcp__tracker__${tool}`, { name })),
    SAY,
  ]);
}

async function played(control: McpControl, session: string, ...calls: [tool: string, name: string][]) {
  return control.result(await playing(control, session, ...calls));
}

test("03-R62 02-R60 a login with PKCE and a client of its own, and then runs use the server", async () => {
  const { world, control, config } = await scene();
  const { details } = await world.login(control, "--scopes", "tools:read,tools:write");
  expect(details.scopes).toEqual(["tools:read", "tools:write"]);
  const [exchange] = world.authorization.requests;
  expect(exchange?.params.get("code_verifier")).toMatch(/^.{43,}$/);
  expect(exchange?.params.get("resource")).toBe(world.resource);
  await control.add("tracker", config);
  expect(await control.server("tracker")).toMatchObject({
    connected: false,
    error: "oauth_requires_scoped_runtime_initialization",
    health: { state: "waiting_for_authorization" },
  });
  await world.letGo();
  const session = await control.session();
  expect(await played(control, session, ["note", "it"])).toMatchObject({
    is_error: false,
    content: [{ text: "note: it" }],
  });
  expect(await world.ledger()).toEqual(["note it"]);
  const none = await control.session("none", { credential_scope: { mcp_server_deny: ["tracker"] } });
  expect(await control.called(none, "mcp__tracker__look", { name: "it" })).toMatchObject({
    error: expect.stringContaining("credential scope"),
  });
});

test("03-R62 a tool that a model remembers brings its server up for the session that calls it, and no other one", async () => {
  const { world, control, config } = await scene();
  await world.login(control, "--scopes", "tools:read,tools:write");
  await control.add("tracker", config);
  await world.letGo();
  const hidden = await control.session("hidden", {
    capability_scope: { mcp_tool_deny: ["mcp__tracker__note"] },
  });
  const none = await control.session("none", { credential_scope: { mcp_server_deny: ["tracker"] } });
  const session = await control.session();
  const call = (who: string, tool: string) => control.called(who, `mcp__tracker__${tool}`, { name: "it" });
  expect(await call(hidden, "note")).toMatchObject({
    error: expect.stringContaining("not available in this session"),
  });
  expect(await call(none, "note")).toMatchObject({ error: expect.stringContaining("credential scope") });
  expect(await control.server("tracker")).toMatchObject({ connected: false });
  expect(await call(session, "burn")).toEqual({ error: "tool not found" });
  await control.daemon.restart();
  expect(await call(session, "note")).toMatchObject({ content: [{ text: "note: it" }] });
  expect(await control.server("tracker")).toMatchObject({ connected: true });
  expect(await world.ledger()).toEqual(["note it"]);
});

test("02-R57 a token that is over in the middle of a run is replaced before it is used", async () => {
  const { world, control, config } = await scene();
  const tokens = await world.authorization.logIn();
  await world.give(control, tokens);
  await control.add("tracker", config);
  const session = await control.session();
  const run = await playing(control, session, ["look", "first"], ["note", "second"]);
  await world.written("look first");
  await world.give(control, tokens, { expires_at_ms: 1 });
  await world.deny(tokens.access_token);
  await world.letGo();
  expect(await control.result(run)).toMatchObject({ content: [{ text: "note: second" }] });
  expect(world.authorization.refreshes()).toHaveLength(1);
  expect(await world.ledger()).toEqual(["look first", "note second"]);
});

test("03-R62 a token that is refused in the middle of a session is replaced, and the call made once", async () => {
  const { world, control, config } = await scene();
  const tokens = await world.authorization.logIn();
  await world.give(control, tokens);
  await control.add("tracker", config);
  await world.letGo();
  const session = await control.session();
  await played(control, session, ["look", "first"]);
  await world.deny(tokens.access_token);
  expect(await played(control, session, ["note", "second"])).toMatchObject({
    content: [{ text: "note: second" }],
  });
  expect(await world.ledger()).toEqual(["look first", "refused 401", "note second"]);
  expect(world.authorization.refreshes()).toHaveLength(1);
});

test("03-R62 an account that was taken back does nothing more, says so, and is good again after a login", async () => {
  const { world, control, config } = await scene();
  const tokens = await world.authorization.logIn();
  await world.give(control, tokens);
  await control.add("tracker", config);
  await world.letGo();
  const session = await control.session();
  await played(control, session, ["look", "first"]);
  for (const token of [tokens.access_token, tokens.refresh_token]) await world.authorization.revoke(token);
  const call = () => control.called(session, "mcp__tracker__note", { name: "it" });
  expect(await call()).toEqual({
    error: `the server refused the token of the account in auth slot '${SLOT}' (HTTP 401): log in again with 'kheish mcp oauth login tracker'`,
  });
  // The next one is not even sent.
  expect(await call()).toMatchObject({
    error: expect.stringContaining("needs a new login: log in again with 'kheish mcp oauth login tracker'"),
  });
  expect((await world.ledger()).filter((line) => line.startsWith("note"))).toEqual([]);
  expect(await control.server("tracker")).toMatchObject({
    connected: true,
    error: expect.stringContaining("needs a new login"),
  });

  await world.login(control, "--scopes", "tools:read,tools:write");
  expect(await call()).toMatchObject({ content: [{ text: "note: it" }] });
  await control.call("POST", `/v1/runtime/auth/slots/${SLOT}/disable`, { reason: "leaked" });
  await control.serverIs("tracker", ({ connected }) => !connected);
  for (const answer of [await call(), await control.called(session, OPEN.name, OPEN.input)])
    expect(answer).toMatchObject({ error: expect.stringContaining("disabled") });
  expect((await control.server("tracker")).tools).toEqual([]);
});

test("03-R62 02-R62 a token for another audience stays here, and one that says it is not is refused there", async () => {
  const { world, control, config } = await scene();
  const tokens = await world.authorization.logIn();
  await world.give(control, tokens, { resource: "http://127.0.0.1:1/other" });
  await control.add("tracker", config);
  const session = await control.session();
  expect(await control.called(session, OPEN.name, OPEN.input)).toMatchObject({
    error: expect.stringContaining(`is for http://127.0.0.1:1/other, not for ${world.resource}`),
  });
  expect(await world.ledger()).toEqual([]);

  const foreign = await world.authorization.logIn(undefined, "http://127.0.0.1:1/other");
  await world.give(control, { access_token: foreign.access_token });
  const again = await control.session("again");
  expect(await control.called(again, OPEN.name, OPEN.input)).toMatchObject({
    error: expect.stringContaining("(HTTP 401): log in again with 'kheish mcp oauth login tracker'"),
  });
  expect(new Set(await world.ledger())).toEqual(new Set(["refused 401"]));
});

test("03-R62 scopes that a call turns out to need are named, with how to grant them, and then it goes on", async () => {
  const { world, control, config } = await scene();
  expect((await world.login(control)).details.scopes).toEqual(["tools:read"]);
  await control.add("tracker", config);
  await world.letGo();
  const session = await control.session();
  expect(await played(control, session, ["look", "it"])).toMatchObject({ content: [{ text: "look: it" }] });
  const call = () => control.called(session, "mcp__tracker__note", { name: "it" });
  expect(await call()).toEqual({
    error: `the server wants more than the account in auth slot '${SLOT}' was granted (tools:write): log in again with 'kheish mcp oauth login tracker --scopes tools:read,tools:write'`,
  });
  expect(await world.ledger()).toEqual(["look it", "refused 403"]);
  await world.login(control, "--scopes", "tools:read,tools:write");
  expect(await call()).toMatchObject({ content: [{ text: "note: it" }] });
});

test("03, MCP server entry: scopes that the entry wants and the account lacks are said before anything is sent", async () => {
  const { world, control, config } = await scene({ oauth_scopes: ["tools:write"] });
  await world.login(control);
  await control.add("tracker", config);
  const session = await control.session();
  const before = await world.ledger();
  expect(await control.called(session, OPEN.name, OPEN.input)).toMatchObject({
    error: expect.stringContaining("without the scopes tools:write"),
  });
  expect(await world.ledger()).toEqual(before);
});
