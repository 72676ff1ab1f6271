import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Json, type JsonObject, Kheish } from "@kheish/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LiveDaemon, liveDaemon, type Ran, runProgram } from "../../sdk/test/support/daemon.ts";
import { LANGUAGES } from "../src/snippets/languages.ts";
import type { Place } from "../src/snippets/place.ts";

const TOKEN = "a-programs-token";
const CONSOLE = fileURLToPath(new URL("..", import.meta.url));

let open: LiveDaemon;
let guarded: LiveDaemon;
beforeAll(async () => {
  open = await liveDaemon();
  guarded = await liveDaemon("--http-admin-token", TOKEN);
  const parrot = { route_id: "parrot", provider: "simulator", model: "echo" };
  for (const [{ daemon }, token] of [[open], [guarded, TOKEN]] as const)
    await new Kheish({ baseUrl: daemon.baseUrl, token }).api.addRoute({ body: parrot });
});
afterAll(async () => {
  await open.stop();
  await guarded.stop();
});

type Name = (typeof LANGUAGES)[number]["name"];
const write = (name: Name, place: Place) => LANGUAGES.find((one) => one.name === name)?.write(place) ?? "";
const has = (command: string, ...args: string[]) => spawnSync(command, args).error === undefined;

/** Those that can be run as they stand; a program in Go or Rust would have to be compiled first, for a minute. */
const RUNNABLE = [
  { name: "TypeScript", isThere: true, command: [process.execPath, "--input-type=module", "--eval"] },
  { name: "Python", isThere: has("python3", "--version"), command: ["python3", "-c"] },
] as const;

/** A session at a model that says what it was asked. */
async function session(live: LiveDaemon, token?: string): Promise<{ kheish: Kheish; place: Place }> {
  const { baseUrl } = live.daemon;
  const kheish = new Kheish({ baseUrl, token });
  const { id } = await kheish.sessions.create({});
  return {
    kheish,
    place: { baseUrl, sessionId: id, needsToken: token !== undefined, route: "parrot" },
  };
}

/** What no language's strings hold by themselves, and words that mean something to one. */
const FIELDS: Record<string, readonly [schema: JsonObject, value: Json]> = {
  'a `tick`, a "quote"#, a \\ and an é 🙂': [{ type: "string" }, "it's null"],
  yes: [{ type: "boolean" }, true],
  no: [{ type: "boolean" }, false],
  true: [{ type: "number" }, 1.5],
  nobody: [{ type: "null" }, null],
  list: [{ type: "array", items: { type: "string" } }, []],
};
const each = (place: 0 | 1) =>
  Object.fromEntries(Object.entries(FIELDS).map(([name, field]) => [name, field[place]]));
const PAYLOAD = each(1);
const SCHEMA = {
  type: "object",
  properties: each(0),
  required: Object.keys(FIELDS),
  additionalProperties: false,
};

describe.each(RUNNABLE)('08 "Use via SDK" in $name', ({ name, isThere, command: [command, ...flags] }) => {
  const run = (place: Place, env: Record<string, string> = {}): Promise<Ran> =>
    runProgram(command, [...flags, write(name, place)], { cwd: CONSOLE, env });

  test.runIf(isThere)("waits for the answer and prints it", async () => {
    const { place } = await session(open);
    expect(await run(place)).toEqual({ stdout: "What is new?\n", stderr: "", exitCode: 0 });
  });

  test.runIf(isThere)("sends the token, and what the session's input contract wants", async () => {
    const { kheish, place } = await session(guarded, TOKEN);
    await kheish.api.putInputContract({ params: { session_id: place.sessionId }, body: { schema: SCHEMA } });
    const ran = await run({ ...place, payload: PAYLOAD }, { KHEISH_TOKEN: TOKEN });
    expect(ran).toMatchObject({ stderr: "", exitCode: 0 });
    expect(JSON.parse(ran.stdout)).toEqual(PAYLOAD);
  });

  test.runIf(isThere)("says why it was refused", async () => {
    const { place } = await session(open);
    const ran = await run({ ...place, route: "nowhere" });
    expect(ran.exitCode).not.toBe(0);
    expect(ran.stderr).toContain("nowhere");
  });
});

test.runIf(has("gofmt", "-h"))('08 "Use via SDK" in Go is well-formed, and written as Go is', () => {
  const place = { baseUrl: "http://127.0.0.1:4000", sessionId: "s", needsToken: true, route: "parrot" };
  for (const more of [{}, { payload: PAYLOAD }, { payload: { text: "" } }, { needsToken: false }]) {
    const program = `${write("Go", { ...place, ...more })}\n`;
    const { stdout, stderr } = spawnSync("gofmt", { input: program, encoding: "utf8" });
    expect([stdout, stderr]).toEqual([program, ""]);
  }
});
