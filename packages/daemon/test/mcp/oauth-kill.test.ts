import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { DaemonProcess } from "../../src/surface/cli/demo/daemon-process.ts";
import { processContext } from "../../src/surface/cli/process-context.ts";
import { OAuthWorld, OPEN, SLOT } from "./oauth-world.ts";
import { McpControl, SAY, tomlServer } from "./support.ts";

/** Real processes: the daemon, and a server that lets in who has logged in; either is killed during a call. */
async function scene() {
  vi.stubEnv("KHEISH_AUTH_STORE_MASTER_KEY", Buffer.alloc(32, 7).toString("base64"));
  onTestFinished(() => void vi.unstubAllEnvs());
  const world = await OAuthWorld.create();
  const directory = await mkdtemp(join(tmpdir(), "kheish-oauth-kill-"));
  const place = {
    directory,
    workspace: join(directory, "workspace"),
    stateRoot: join(directory, "state"),
    log: join(directory, "daemon.log"),
  };
  await mkdir(place.workspace);
  const config = join(directory, "mcp.toml");
  await writeFile(config, tomlServer("tracker", { url: world.resource, oauth_slot_ref: SLOT }));
  const flags = ["--permission-mode", "bypass-permissions", "--mcp-config", config];
  const daemon = await DaemonProcess.start(place, processContext().clock, flags);
  onTestFinished(async () => {
    await daemon.stop();
    await rm(directory, { recursive: true, force: true });
  });
  const control = new McpControl(daemon);
  const { access_token, refresh_token } = await world.authorization.logIn();
  await world.give(control, { access_token, refresh_token });
  return { world, daemon, control, access_token, session: await control.session() };
}

type Scene = Awaited<ReturnType<typeof scene>>;

/** A run that has a call under way. */
async function working({ world, control, session }: Scene, tool: string) {
  const run = await control.play(session, [
    { tool_calls: [OPEN] },
    control.callOf(`mcp__tracker__${tool}`, { name: "it" }),
    SAY,
  ]);
  await world.written(`${tool} it`);
  return run;
}

const begun = async ({ world }: Scene, tool: string) =>
  (await world.ledger()).filter((line) => line.startsWith(tool));

const UNKNOWN = { error: "interrupted, outcome unknown", outcome: "unknown" };

test("03-R62 after the daemon was killed the same run goes on, with a token of the time that it is then", async () => {
  const here = await scene();
  const run = await working(here, "look");
  await here.daemon.kill();
  await here.world.deny(here.access_token);
  await here.world.letGo();
  await here.daemon.restart();
  expect(await here.control.result(run)).toMatchObject({ content: [{ text: "look: it" }] });
  expect(await begun(here, "look")).toHaveLength(2);
  expect(here.world.authorization.refreshes()).toHaveLength(1);
});

test("03, MCP client: killed with its daemon, what must not happen twice has not, and is told as unknown", async () => {
  const here = await scene();
  const run = await working(here, "note");
  await here.daemon.kill();
  await here.world.letGo();
  await here.daemon.restart();
  expect(await here.control.result(run)).toMatchObject({ ...UNKNOWN, tool: "mcp__tracker__note" });
  expect(await begun(here, "note")).toHaveLength(1);
});

test.each(["look", "note"])(
  "03, MCP client: the server is killed during %s, and is there again",
  async (tool) => {
    const here = await scene();
    const run = await working(here, tool);
    await here.world.killServer();
    await here.world.letGo();
    await here.world.startServer();
    const result = await here.control.result(run);
    if (tool === "note") expect(result).toMatchObject({ ...UNKNOWN, tool: "mcp__tracker__note" });
    else expect(result).toMatchObject({ content: [{ text: "look: it" }] });
    expect(await begun(here, tool)).toHaveLength(tool === "note" ? 1 : 2);
    expect(await here.control.called(here.session, "mcp__tracker__note", { name: "next" })).toMatchObject({
      content: [{ text: "note: next" }],
    });
  },
);
