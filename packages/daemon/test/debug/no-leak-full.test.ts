import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Json, RunDebugView, RunView } from "@kheish/contract";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WireDouble } from "../../src/model/testing/wire-double.ts";
import { kheish } from "../../src/surface/cli/testing/run-cli.ts";
import { findLeaks } from "../support/no-leak.ts";
import { cli, daemonOn, place, scratch } from "../support/operator.ts";

const KEY = "slot-9f8e7d6c5b4a/+=_key of the provider";
const ADMIN = "the-admin-token-of-this-test-0123456789";
const MASTER = "0123456789abcdef0123456789abcdef";
/** Where a child has its environment, as the system shows it, too. */
const LOOK = "env; cat /proc/self/environ | tr '\\0' '\\n'; cat /proc/$PPID/cmdline | tr '\\0' '\\n'";

const wire = new WireDouble();
beforeEach(() => wire.start());
afterEach(async () => {
  vi.unstubAllEnvs();
  await wire.stop();
});

test("02-R93 02-R47 issue 5: a key in a slot is nowhere after calls at debug level full, a failing one and a backup", async () => {
  const directory = await scratch();
  const at = await place(directory);
  const routes = join(directory, "routes.toml");
  const tokenFile = join(directory, "admin-token");
  await writeFile(
    routes,
    `[routes.main]\ndriver = "openai_compatible"\ndefault_model = "local"\nauth_ref = "main.key"\nbase_url = "${wire.url}/v1"\n`,
  );
  await writeFile(tokenFile, `${ADMIN}\n`, { mode: 0o600 });
  vi.stubEnv("KHEISH_AUTH_STORE_MASTER_KEY", MASTER);
  await writeFile(join(directory, "key"), KEY, { mode: 0o600 });
  await mkdir(at.stateRoot, { recursive: true });
  const offline = ["--offline", "--state-root", at.stateRoot];
  const set = ["secrets", "set", "main.key", "--provider", "openai", "--from-file", join(directory, "key")];
  const placed = await kheish([...set, ...offline], { env: { KHEISH_AUTH_STORE_MASTER_KEY: MASTER } });
  expect(placed.stderr).toBe("");
  const daemon = await daemonOn(
    at,
    ...["--routes-file", routes, "--http-admin-token-file", tokenFile, "--log-level", "trace"],
  );
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

  await api("/v1/runtime/debug-level", { level: "full" });
  const call = {
    index: 0,
    id: "c",
    type: "function",
    function: { name: "bash", arguments: JSON.stringify({ command: LOOK }) },
  };
  const forms = [
    KEY,
    encodeURIComponent(KEY),
    ...(["base64", "base64url", "hex"] as const).map((form) => Buffer.from(KEY).toString(form)),
  ];
  wire.plan(
    { events: [chunk({ tool_calls: [call] }), chunk({}, "tool_calls")] },
    { events: [chunk({ content: `done with ${forms.join(" and ")}` }), chunk({}, "stop")] },
    {
      status: 401,
      body: {
        error: { message: `Incorrect API key provided: ${forms.join(" or ")}`, code: "invalid_api_key" },
      },
    },
  );
  const worked = await run("look around");
  expect(worked.status, worked.error).toBe("completed");
  expect(wire.requests[0]?.headers.authorization, "the provider was given it").toBe(`Bearer ${KEY}`);
  const failed = await run("again");
  expect(failed.status).toBe("failed");

  const archive = join(directory, "backup.tar");
  const backup = await cli(daemon, "--token-file", tokenFile, "backup", "--out", archive);
  expect(backup.code).toBe(0);
  const texts: Record<string, string> = { log: await readFile(at.log, "utf8") };
  for (const path of [
    "/v1/status",
    "/v1/runtime",
    "/v1/runs",
    "/v1/sessions/s/events",
    "/v1/logs",
    "/v1/runtime/secrets",
    "/metrics",
  ])
    texts[path] = await api(path);
  for (const { run_id } of [worked, failed]) {
    const { artifacts } = JSON.parse(await api(`/v1/runs/${run_id}/debug`)) as RunDebugView;
    for (const { artifact_id: id } of artifacts)
      texts[`${run_id} ${id}`] = await api(`/v1/runs/${run_id}/debug/artifacts/${id}`);
  }
  const evidence = Object.keys(texts).filter((name) => name.includes("attempt-"));
  expect(evidence.length, "two turns and a refusal, four artifacts each").toBe(12);
  expect(texts[`${failed.run_id} turn-0000-attempt-0001-provider-events`]).toContain(
    "Incorrect API key provided: <redacted>",
  );
  expect(texts["/v1/sessions/s/events"], "a child has an environment").toContain("PATH=");
  const leaks = await findLeaks(
    { key: KEY, admin_token: ADMIN, master_key: MASTER },
    { directories: [at.stateRoot, at.workspace], texts: { ...texts, backup: await readFile(archive) } },
  );
  expect(leaks).toEqual([]);
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
