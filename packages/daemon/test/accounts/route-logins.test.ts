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
