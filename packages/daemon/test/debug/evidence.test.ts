import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { DebugLevel } from "@kheish/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Fixture } from "../http/support/fixture.ts";
import { of } from "../http/support/params.ts";
import { ChatProvider } from "../support/chat-provider.ts";
import { ServedDaemon, type ServedOptions } from "../support/served.ts";

const KEY = Buffer.alloc(32, 9).toString("base64");
const OTHER_KEY = Buffer.alloc(32, 8).toString("base64");

const provider = new ChatProvider();
let daemon: ServedDaemon | undefined;
beforeEach(() => provider.start());
afterEach(async () => {
  await daemon?.remove();
  await provider.stop();
});

async function capturing(level: DebugLevel, options: Omit<ServedOptions, "store"> = {}): Promise<Fixture> {
  const routes = `[routes.local]\ndriver = "openai_compatible"\ndefault_model = "local"\nbase_url = "${provider.url}"\napi_key = "route-key-0123456789"\n`;
  const started = await ServedDaemon.start({ store: "sqlite", routes, ...options });
  daemon = started;
  const fixture = new Fixture(() => started);
  await fixture.api.call("setDebugLevel", { body: { level } });
  return fixture;
}

const artifact = (fixture: Fixture, run_id: string, kind: string) =>
  fixture.api.call("runDebugArtifact", {
    params: { run_id, artifact_id: `turn-0000-attempt-0001-${kind}` },
  });

async function ran(fixture: Fixture, content = "what is the weather in Lisbon"): Promise<string> {
  return (await fixture.settles((await fixture.begin(content)).run_id)).run_id;
}

test("01-R100 at full there is what went to a provider and what came back, without its key", async () => {
  const fixture = await capturing("full");
  provider.answer = (key) => ({ text: `sunny, ${key} says` });
  const run = await ran(fixture);
  const view = await fixture.api.call("runDebug", of(run));
  expect(view.artifacts.map(({ artifact_id }) => artifact_id.replace("turn-0000-attempt-0001-", ""))).toEqual(
    ["model-request", "model-response", "provider-events", "provider-request"],
  );
  const request = JSON.parse(await artifact(fixture, run, "provider-request"));
  expect(request).toMatchObject({ method: "POST", url: `${provider.url}/chat/completions` });
  expect(JSON.stringify(request.body.messages)).toContain("the weather in Lisbon");
  expect(JSON.parse(await artifact(fixture, run, "model-request"))).toMatchObject({ run_id: run, turn: 0 });
  expect(await artifact(fixture, run, "provider-events")).toMatch(/^HTTP 200\n\ndata: .*sunny/);
  expect(await artifact(fixture, run, "model-response")).toContain("sunny, <redacted> says");
  for (const kind of ["model-request", "provider-request", "provider-events", "model-response"])
    expect(await artifact(fixture, run, kind)).not.toContain("route-key");
});

test.each(["on", "redacted"] as const)(
  "01-R100 at %s there is the shape of it, and no word",
  async (level) => {
    const fixture = await capturing(level);
    provider.answer = () => ({ text: "sunny all day" });
    const run = await ran(fixture);
    expect((await fixture.api.call("runDebug", of(run))).level).toBe("redacted");
    const kinds = ["model-request", "provider-request", "provider-events", "model-response"];
    const all = (await Promise.all(kinds.map((kind) => artifact(fixture, run, kind)))).join("\n");
    expect(all).not.toMatch(/Lisbon|weather|sunny/);
    const request = JSON.parse(await artifact(fixture, run, "provider-request"));
    expect(request.body).toMatchObject({ model: "local", stream: true });
    expect(request.body.messages.at(-1)).toEqual({ role: "user", content: "<29 characters>" });
    expect(await artifact(fixture, run, "provider-events")).toContain('"content":"<13 characters>"');
  },
);

test("01-R102 a refusal of the provider is kept as it came, and the run's other artifacts are told from unknown ones", async () => {
  const fixture = await capturing("full");
  provider.answer = (key) => ({ status: 401, text: `bad key ${key} for sk-abcdef0123456789` });
  const run = await ran(fixture);
  expect(await artifact(fixture, run, "provider-events")).toMatch(
    /^HTTP 401\n\n.*bad key <redacted> for <redacted>/,
  );
  expect(JSON.parse(await artifact(fixture, run, "model-response"))).toMatchObject({
    error: { class: "auth" },
  });
  const params = { run_id: run, artifact_id: "turn-0007-attempt-0001-model-request" };
  expect(await fixture.api.refusal("runDebugArtifact", { params })).toMatchObject({
    status: 404,
    code: "run_debug_artifact_not_found",
  });
});

test("02-R95 01-R102 with a capture key bodies are encrypted, and another key does not open them", async () => {
  const env = { KHEISH_DEBUG_CAPTURE_KEY: KEY };
  const fixture = await capturing("full", { env });
  const { encryption } = (await fixture.api.call("getRuntime")).debug_capture ?? {};
  expect(encryption).toMatchObject({ status: "ok" });
  const run = await ran(fixture);
  const { artifacts } = await fixture.api.call("runDebug", of(run));
  for (const one of artifacts) {
    expect(one).toMatchObject({ encrypted: true, encryption_key_id: encryption?.key_id });
    expect(one.bytes).toBeGreaterThan(one.plaintext_bytes);
  }
  expect(await artifact(fixture, run, "provider-request")).toContain("Lisbon");

  await daemon?.restart({ env: { KHEISH_DEBUG_CAPTURE_KEY: OTHER_KEY } });
  const params = { run_id: run, artifact_id: "turn-0000-attempt-0001-provider-request" };
  expect(await fixture.api.refusal("runDebugArtifact", { params })).toMatchObject({
    status: 409,
    domain: "runs",
    code: "run_debug_artifact_unreadable",
  });
  await daemon?.restart({ env });
  expect(await artifact(fixture, run, "provider-request")).toContain("Lisbon");
});

test.each([
  ["as it is", {}],
  ["encrypted", { KHEISH_DEBUG_CAPTURE_KEY: KEY }],
] as const)("01-R102 a body that was changed, %s, is refused", async (_how, env) => {
  const fixture = await capturing("full", { env });
  const run = await ran(fixture);
  await fixture.daemon.stop();
  const db = new DatabaseSync(join(fixture.daemon.directory, "state", "kheish.db"));
  const id = `${run}/turn-0000-attempt-0001-model-request`;
  const where = "WHERE kind = 'debug_body' AND id = ?";
  const { data } = db.prepare(`SELECT data FROM records ${where}`).get(id) as { data: string };
  const changed = data.replace(/Lisbon|(?<="ciphertext":").{6}/, (part) => [...part].reverse().join(""));
  expect(changed).not.toBe(data);
  db.prepare(`UPDATE records SET data = ? ${where}`).run(changed, id);
  db.close();
  await fixture.daemon.start();
  const params = { run_id: run, artifact_id: "turn-0000-attempt-0001-model-request" };
  expect(await fixture.api.refusal("runDebugArtifact", { params })).toMatchObject({
    status: 409,
    code: "run_debug_artifact_unreadable",
  });
  expect(await artifact(fixture, run, "provider-request")).toContain("Lisbon");
});

test("02-R94 tokens of a file are taken out; unreadable, it refuses a level; once gone, text is withheld", async () => {
  const fixture = await capturing("off");
  const { api } = fixture;
  const file = join(fixture.daemon.directory, "tokens");
  await writeFile(file, "Lisbon\ncalm\n");
  await fixture.daemon.restart({ env: { KHEISH_DEBUG_REDACT_TOKENS_FILE: file } });
  await api.call("setDebugLevel", { body: { level: "full" } });
  provider.answer = () => ({ text: "a calm day in Lisbon" });
  const run = await ran(fixture);
  expect(await artifact(fixture, run, "model-response")).toContain("a <redacted> day in <redacted>");
  expect((await api.call("getRuntime")).debug_capture?.redact_tokens).toEqual({
    status: "ok",
    source: "file",
    count: 2,
  });

  await rm(file);
  const withheld = await ran(fixture);
  for (const kind of ["model-request", "provider-request", "provider-events", "model-response"]) {
    expect(await artifact(fixture, withheld, kind)).toMatch(/^<withheld: their file cannot be read/);
  }
  await api.call("setDebugLevel", { body: { level: "off" } });
  for (const level of ["on", "redacted", "full"]) {
    const refused = await api.refusal("setDebugLevel", { body: { level } });
    expect(refused).toMatchObject({ status: 400, domain: "runtime", code: "runtime_validation_failed" });
    expect(refused.detail).not.toContain(file);
  }
});
