import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Json, RunView } from "@kheish/contract";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WireDouble } from "../../src/model/testing/wire-double.ts";
import { encodingsOf, findLeaks } from "../support/no-leak.ts";
import { cli, daemonOn, place, scratch } from "../support/operator.ts";

const KEY = "sk-test-9f8e7d6c5b4a/+=_provider key";
const ADMIN = "the-admin-token-of-this-drill-0123456789";

describe("the search for leaks", () => {
  test("finds a secret in every encoding, at every place in what was encoded", async () => {
    const values = fc.string({ minLength: 8, maxLength: 40, unit: "grapheme-ascii" });
    await fc.assert(
      fc.asyncProperty(values, fc.string(), fc.string(), async (value, before, after) => {
        const text = `${before}${value}${after}`;
        const written = {
          plain: text,
          url: encodeURIComponent(text.toWellFormed()),
          base64: Buffer.from(text).toString("base64"),
          base64url: Buffer.from(text).toString("base64url"),
          hex: Buffer.from(text).toString("hex"),
          json: JSON.stringify({ text }),
          json_in_json: JSON.stringify(JSON.stringify({ text })),
        };
        const leaks = await findLeaks({ it: value }, { texts: written });
        expect([...new Set(leaks.map(({ where }) => where))].sort()).toEqual(Object.keys(written).sort());
      }),
    );
  });

  test("finds one in a store's file and deep in a directory, and never says it", async () => {
    const directory = await scratch();
    await mkdir(join(directory, "a", "b"), { recursive: true });
    await writeFile(join(directory, "a", "b", "file"), Buffer.from(`x${KEY}`).toString("base64"));
    const db = new DatabaseSync(join(directory, "kheish.db"));
    db.exec("CREATE TABLE t (data TEXT)");
    db.prepare("INSERT INTO t VALUES (?)").run(JSON.stringify({ note: KEY }));
    db.close();
    const leaks = await findLeaks({ key: KEY, other: "nowhere-to-be-found" }, { directories: [directory] });
    expect(new Set(leaks.map(({ where }) => where))).toEqual(
      new Set([join(directory, "a", "b", "file"), join(directory, "kheish.db")]),
    );
    expect(JSON.stringify(leaks)).not.toContain(KEY);
    expect(leaks.every(({ secret }) => secret === "key")).toBe(true);
  });

  test("refuses a secret that would be found by chance", () => {
    expect(() => encodingsOf("short")).toThrow("by chance");
  });
});

describe("a drill", () => {
  const wire = new WireDouble();
  beforeEach(() => wire.start());
  afterEach(async () => {
    vi.unstubAllEnvs();
    await wire.stop();
  });

  test("02 runbook 7: after calls that work and calls that fail, a key and a token stand nowhere", async () => {
    const directory = await scratch();
    const at = await place(directory);
    const routes = join(directory, "routes.toml");
    await writeFile(
      routes,
      `[routes.main]\ndriver = "openai_compatible"\ndefault_model = "local"\napi_key_env = "DRILL_KEY"\nbase_url = "${wire.url}/v1"\n`,
    );
    const tokenFile = join(directory, "admin-token");
    await writeFile(tokenFile, `${ADMIN}\n`, { mode: 0o600 });
    vi.stubEnv("DRILL_KEY", KEY);
    const flags = ["--routes-file", routes, "--http-admin-token-file", tokenFile, "--log-level", "trace"];
    const daemon = await daemonOn(at, ...flags);
    const api = async (path: string, body?: object): Promise<string> => {
      const answer = await fetch(`${daemon.baseUrl}${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return answer.text();
    };
    const run = async (content: string): Promise<RunView> => {
      await api("/v1/sessions", { session_id: "s" });
      const { run_id } = JSON.parse(await api("/v1/sessions/s/runs", { content })) as RunView;
      for (;;) {
        const view = JSON.parse(await api(`/v1/runs/${run_id}`)) as RunView;
        if (view.finished_at_ms !== undefined) return view;
        await new Promise((resolve) => setImmediate(resolve));
      }
    };

    // A call whose tool shows its environment, then a provider that hands the caller's key back in its refusal.
    const call = {
      index: 0,
      id: "c",
      type: "function",
      function: { name: "bash", arguments: '{"command":"env"}' },
    };
    wire.plan(
      { events: [chunk({ tool_calls: [call] }), chunk({}, "tool_calls")] },
      { events: [chunk({ content: "done" }), chunk({}, "stop")] },
      {
        status: 401,
        body: { error: { message: `Incorrect API key provided: ${KEY}`, code: "invalid_api_key" } },
      },
    );
    expect((await run("look around")).status).toBe("completed");
    expect(wire.requests[0]?.headers.authorization, "the provider was given it").toBe(`Bearer ${KEY}`);
    expect((await run("again")).status).toBe("failed");

    const archive = join(directory, "backup.tar");
    const env = ["--token-file", tokenFile];
    expect((await cli(daemon, ...env, "backup", "--out", archive)).code).toBe(0);
    await fetch(`${daemon.baseUrl}/v1/status`, { headers: { authorization: `Bearer ${ADMIN}-no` } });
    const texts: Record<string, string> = { log: await readFile(at.log, "utf8") };
    for (const path of ["/v1/status", "/v1/runtime", "/v1/runs", "/v1/sessions/s/events", "/metrics"])
      texts[path] = await api(path);
    expect(texts.log).toContain("answered a request");
    expect(texts["/v1/sessions/s/events"]).toContain("tool_call_finished");
    const leaks = await findLeaks(
      { key: KEY, admin_token: ADMIN },
      { directories: [at.stateRoot, at.workspace], texts: { ...texts, backup: await readFile(archive) } },
    );
    expect(leaks).toEqual([]);
  });
});

function chunk(delta: { [key: string]: Json }, finish: string | null = null): Json {
  return {
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1,
    model: "local",
    choices: [{ index: 0, delta, finish_reason: finish }],
  };
}
