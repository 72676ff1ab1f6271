import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { codexAccount } from "../accounts/support.ts";
import { apiKey } from "../http/secrets.ts";
import { Fixture } from "../http/support/fixture.ts";
import { bash, say, script } from "../http/support/script.ts";
import { AuthorizationServer } from "../support/authorization-server.ts";
import { ChatProvider } from "../support/chat-provider.ts";
import { findLeaks } from "../support/no-leak.ts";
import { ServedDaemon } from "../support/served.ts";

const KEY = "k3y/with+odd chars?&=~in-a-slot-0001";
const TOKEN = "an-admin-token-that-nobody-may-see";
const base64 = (text: string) => Buffer.from(text).toString("base64");
/** How others quote the key. */
const QUOTED: readonly [string, string][] = [
  ["raw", KEY],
  ["base64", base64(KEY)],
  ["base64url", Buffer.from(KEY).toString("base64url")],
  ["basic auth", base64(`user:${KEY}`)],
  ["URL-encoded", encodeURIComponent(KEY)],
];
/** What would betray it. */
const SOUGHT: readonly [string, string][] = [
  ...QUOTED,
  ["base64 without its ends", base64(KEY).slice(4, -4)],
  ["basic auth without its ends", base64(`user:${KEY}`).slice(8, -4)],
  ["a half of it", "odd chars?&=~in-a-slot"],
];

const provider = new ChatProvider();
let log: string;
let daemon: ServedDaemon;
beforeEach(async () => {
  log = "";
  vi.spyOn(process.stderr, "write").mockImplementation((chunk) => {
    log += String(chunk);
    return true;
  });
  await provider.start();
  daemon = await ServedDaemon.start({
    store: "sqlite",
    logLevel: "trace",
    permissionMode: "bypassPermissions",
    env: { KHEISH_AUTH_STORE_MASTER_KEY: "0123456789abcdef0123456789abcdef" },
  });
});
afterEach(async () => {
  await daemon.remove();
  await provider.stop();
  vi.restoreAllMocks();
});

/** Every file under a directory, by its path. */
async function contents(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(files.map(async (path) => [path, await readFile(path, "latin1")] as const)),
  );
}

test("02-R93 02-R47 a key in a slot is found nowhere else, whoever quotes it and however", async () => {
  const fixture = new Fixture(() => daemon);
  const { api } = fixture;
  await api.call("putSecret", apiKey("local.prod", KEY));
  const routes = `default_route = "local"\n${provider.route("local", "local.prod")}[routes.simulator]\ndriver = "simulator"\n`;
  await daemon.restart({ routes });

  // A provider that answers, one that fails and quotes the key in every encoding, and one whose stream says it.
  await fixture.finish(await fixture.session(), "hello");
  const quoted = QUOTED.map(([name, form]) => `${name}: ${form}`).join("; ");
  const endings: string[] = [];
  for (const status of [400, 401, 500, 503]) {
    provider.answer = (key) => ({
      status,
      text: `your key ${key} is bad; ${status}; ${quoted}`,
    });
    const run = await fixture.begin("hello");
    if (status >= 500) await fixture.cancel(run.run_id);
    endings.push((await fixture.settles(run.run_id)).error ?? "");
  }
  expect(endings[0]).toMatch(/your key <redacted> is bad/);

  // A tool that comes across it in a file.
  await writeFile(join(daemon.workspace, "found.txt"), quoted);
  const read = await fixture.begin(script(bash("cat found.txt; cat found.txt >&2; exit 3"), say("done")), {
    provider: "simulator",
  });
  expect((await fixture.settles(read.run_id)).status).toBe("completed");

  // A caller who puts it where it does not belong, and a refusal that would quote it.
  const refusal = await api.refusal("getRun", { params: { run_id: KEY } });
  expect(refusal.detail).toContain("<redacted>");
  await api.call("rekeySecrets", { body: { new_key: "fedcba9876543210fedcba9876543210" } });

  const seen = new Map([
    ["the log", log],
    ["a refusal", JSON.stringify(refusal)],
    ["errors", endings.join("\n")],
  ]);
  const stream = await fixture.stream("eventsStream", { query: { cursor: "0" } });
  const frames = [];
  for (let frame = await stream.next(); frame !== undefined; frame = await stream.next()) {
    frames.push(frame);
    const { data } = frame;
    if (data.type === "run_updated" && data.run.run_id === read.run_id && data.run.status === "completed")
      break;
  }
  seen.set("the events", JSON.stringify(frames));
  seen.set("status and runtime", JSON.stringify([await api.call("status"), await api.call("getRuntime")]));
  seen.set("the newest log lines", JSON.stringify(await api.call("logs")));
  seen.set("slots", JSON.stringify(await api.call("listSecrets")));
  seen.set("runs", JSON.stringify(await api.call("listRuns")));
  await daemon.stop();
  for (const [path, text] of await contents(join(daemon.directory, "state"))) seen.set(path, text);

  expect([...seen.keys()].some((path) => path.endsWith("kheish.db"))).toBe(true);
  expect(log).toContain("answered a request");
  expect(seen.get("the events")).toContain("<redacted>");
  const leaks = [...seen].flatMap(([where, text]) =>
    SOUGHT.filter(([, form]) => text.includes(form) || text.includes(JSON.stringify(form).slice(1, -1))).map(
      ([name]) => `${name} in ${where}`,
    ),
  );
  expect(leaks).toEqual([]);
});

test("02-R93 02-R57 the tokens of an account are found nowhere, before and after a refresh, whoever quotes them", async () => {
  const server = new AuthorizationServer();
  await server.start();
  onTestFinished(() => server.stop());
  const fixture = new Fixture(() => daemon);
  const { api } = fixture;
  const tokens = await server.logIn();
  const body = { slot_id: "team", provider: "open_ai", mode: "oauth_account" } as const;
  await api.call("putSecret", { body: { ...body, state: { ...codexAccount(server, tokens) } } });
  const routes = `default_route = "local"\n${provider.route("local", "team")}[routes.simulator]\ndriver = "simulator"\n`;
  await daemon.restart({ routes });

  // Refused, refreshed, and then an error that quotes the new token; the account ends as its provider says.
  const refused = new Set([tokens.access_token]);
  provider.answer = (key) =>
    refused.has(key) ? { status: 401, text: `expired: ${key}` } : { status: 400, text: `bad: Bearer ${key}` };
  const failed = await fixture.finish(await fixture.session(), "hello");
  expect(failed.error).toContain("bad");
  await api.call("disableSlot", { params: { slot: "team" }, body: { reason: "look" } });
  await api.call("enableSlot", { params: { slot: "team" } });
  const env = await fixture.begin(script(bash("env"), say("done")), {
    provider: "simulator",
  });
  expect(await fixture.settles(env.run_id)).toMatchObject({ status: "completed" });
  const account = await api.call("getAccount", { params: { slot: "team" } });
  expect(account.details).toMatchObject({ last_refresh_outcome: "ok" });
  await api.call("revokeAccount", { params: { slot: "team" } });

  expect(provider.keys.slice(-2)).toEqual(server.issued.map(({ access_token }) => access_token));
  const stream = await fixture.historyOf(env.run_id);
  const texts = {
    log,
    error: failed.error ?? "",
    events: JSON.stringify(stream),
    account: JSON.stringify(account),
    logs: JSON.stringify(await api.call("logs")),
    status: JSON.stringify([await api.call("status"), await api.call("getRuntime")]),
    runs: JSON.stringify(await api.call("listRuns")),
  };
  await daemon.stop();
  expect(server.issued).toHaveLength(2);
  const secrets = Object.fromEntries(
    server.issued.flatMap(({ access_token, refresh_token }, n) => [
      [`access token ${n}`, access_token],
      [`refresh token ${n}`, refresh_token],
    ]),
  );
  expect(log).toContain("an account was refreshed");
  expect(await findLeaks(secrets, { directories: [daemon.directory], texts })).toEqual([]);
});

test("02-R93 a token of the control plane and the master key are in no line of the log", async () => {
  await daemon.restart({ httpAuthMode: "bearer", adminToken: TOKEN });
  const answer = await fetch(`${daemon.baseUrl}/v1/runs/${TOKEN}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const master = await fetch(`${daemon.baseUrl}/v1/runs/0123456789abcdef0123456789abcdef`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const text = `${await answer.text()}${await master.text()}${log}`;
  expect(answer.status).toBe(404);
  expect(text).toContain("<redacted>");
  expect(text).not.toContain(TOKEN);
  expect(text).not.toContain("0123456789abcdef0123456789abcdef");
});
