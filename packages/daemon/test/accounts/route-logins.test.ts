import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StartError } from "../../src/main.ts";
import { type RouteControl, useServed } from "../routes/control.ts";
import { AuthorizationServer } from "../support/authorization-server.ts";

const MASTER = { KHEISH_AUTH_STORE_MASTER_KEY: "0123456789abcdef0123456789abcdef" };
const server = new AuthorizationServer();
const serve = useServed();
beforeAll(() => server.start());
afterAll(() => server.stop());

const SIMULATOR = `default_route = "sim"\n[routes.sim]\ndriver = "simulator"\n`;
const team = (more = "") =>
  `${SIMULATOR}[routes.team]\ndriver = "openai"\ndefault_model = "gpt-5.4"\nopenai_auth_source = "codex"\n${more}`;

/** Codex's login where Codex has it, on the machine of this daemon. */
async function logInWithCodex(control: RouteControl): Promise<string> {
  const { access_token, refresh_token } = await server.logIn();
  const directory = join(control.daemon.directory, ".codex");
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "auth.json"), JSON.stringify({ tokens: { access_token, refresh_token } }));
  return access_token;
}

const account = async (control: RouteControl) =>
  (await control.call("GET", "/v1/runtime/auth/accounts/route.team")).body;

test("02-R26 a route's login is taken over once, with the first routes that name it, and the slot is what counts then", async () => {
  const control = await serve({ env: MASTER, routes: SIMULATOR });
  await logInWithCodex(control);
  await control.writeRoutes(team());
  const doctor = await control.cli("doctor", "routes", "--routes-file", "routes.toml", "--check-auth");
  expect(doctor.stdout).toContain("auth_account_not_imported");
  expect(await control.reload()).toMatchObject({ status: 200, body: { added: ["team"] } });
  const first = await account(control);
  expect(first).toMatchObject({ slot_id: "route.team", provider: "open_ai", mode: "oauth_account" });
  expect((await control.list()).routes).toContainEqual(
    expect.objectContaining({ route_id: "team", state: "ok" }),
  );

  // Another login in the file, and then none at all: the slot stays as it is.
  await logInWithCodex(control);
  await control.daemon.restart();
  expect(await account(control)).toEqual(first);
  await rm(join(control.daemon.directory, ".codex"), { recursive: true });
  await control.daemon.restart();
  expect(await account(control)).toEqual(first);
});

test("02-R26 a login that cannot be taken over keeps a daemon from starting, and says why without a path", async () => {
  const refusal = async (env: Record<string, string>, routes: string) => {
    const error = await serve({ env, routes }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(StartError);
    return (error as StartError).message;
  };
  expect(await refusal({}, team())).toContain("there is no master key");
  // A login elsewhere on the machine is nobody's to know from an answer.
  const message = await refusal(MASTER, team(`openai_auth_file = "/nowhere/auth.json"\n`));
  expect(message).toBe("Route 'team' signs in with a login of codex, and its file cannot be read.");
});

const OWN = { KHEISH_OPENAI_AUTH_SOURCE: "auto" };
const KEY = { OPENAI_API_KEY: "sk-the-key-of-the-environment" };
const openai = async (control: RouteControl) =>
  (await control.list()).routes.find(({ route_id }) => route_id === "openai");

test("02-R26 02-R31 --openai-auth-source auto: a key comes first, else a login that is there, else there is no route", async () => {
  const control = await serve({ env: MASTER, providerEnv: OWN });
  expect(await control.ids()).not.toContain("openai");
  await logInWithCodex(control);
  await control.daemon.restart({ env: { ...MASTER, ...KEY } });
  expect(await openai(control)).not.toHaveProperty("auth_ref");
  await control.daemon.restart({ env: MASTER });
  expect(await openai(control)).toMatchObject({ auth_ref: "route.openai", state: "ok" });
  // From then on the slot is what counts.
  await rm(join(control.daemon.directory, ".codex"), { recursive: true });
  await control.daemon.restart();
  expect(await openai(control)).toMatchObject({ auth_ref: "route.openai", state: "ok" });
});

test("02-R26 without a word about logins nobody's login is touched", async () => {
  const control = await serve({ env: MASTER });
  await logInWithCodex(control);
  await control.daemon.restart();
  expect(await control.ids()).not.toContain("openai");
  expect((await control.call("GET", "/v1/runtime/auth/accounts")).body).toEqual([]);
});

test("02-R26 a login that was asked for by name comes before a key, and only for the route that says nothing itself", async () => {
  const providerEnv = { KHEISH_OPENAI_AUTH_SOURCE: "codex" };
  const own = (more: string) =>
    `${SIMULATOR}[routes.openai]\ndriver = "openai"\ndefault_model = "gpt-5.4"\n${more}`;
  const control = await serve({ env: { ...MASTER, ...KEY }, routes: SIMULATOR });
  await logInWithCodex(control);
  await control.daemon.restart({ providerEnv, routes: own("") });
  expect(await openai(control)).toMatchObject({
    auth_ref: "route.openai",
    capabilities: { image_edit: false },
  });
  await control.daemon.restart({ routes: own('openai_auth_source = "api_key"\n') });
  expect(await openai(control)).not.toHaveProperty("auth_ref");
  await expect(control.daemon.restart({ routes: own("image_edit = true\n") })).rejects.toThrow(
    "routes.openai.image_edit is not something an account of driver 'openai' can do",
  );
});

test("02-R26 the login of Claude Code, from the file that a flag names", async () => {
  const control = await serve({ env: MASTER });
  const { access_token: accessToken, refresh_token: refreshToken } = await server.logIn();
  const expiresAt = Date.now() + 3_600_000;
  const file = join(control.daemon.directory, "claude.json");
  const claudeAiOauth = { accessToken, refreshToken, expiresAt, scopes: ["user:inference"] };
  await writeFile(file, JSON.stringify({ claudeAiOauth }));
  const providerEnv = {
    KHEISH_ANTHROPIC_AUTH_SOURCE: "auto",
    KHEISH_ANTHROPIC_CREDENTIALS_FILE: file,
  };
  await control.daemon.restart({ providerEnv });
  const { routes } = await control.list();
  expect(routes[0]).toMatchObject({ route_id: "anthropic", auth_ref: "route.anthropic", state: "ok" });
});
