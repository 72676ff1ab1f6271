import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { AuditRefused, type ExternalAction } from "../../src/engine/index.ts";
import { auditedCallers } from "../../src/features/hooks/index.ts";
import { auditedFetch } from "../../src/governance/audit/index.ts";
import { OutboundRefused } from "../../src/governance/outbound/refused.ts";

const SOURCE = fileURLToPath(new URL("../../src/", import.meta.url));
const REACHES =
  /from "node:(?:net|http|https|http2|tls|dgram|dns|child_process)"|globalThis\.fetch|\bfetch\(/;

/** Every file of the daemon that gets hold of the network or of processes, and who records what leaves by it. */
const KNOWN: Record<string, string> = {
  "opening/network.ts":
    "hands `fetch` to the model drivers, recorded with each call; and to route discovery, `auditedFetch`",
  "opening/mcp.ts":
    "hands `fetch` to connections with MCP servers: `recorded`, and calls of runs by the loop, kind `mcp`",
  "model/drivers/provider.ts": "type only",
  "model/drivers/provider-driver.ts": "a model call: recorded by the loop, attempt by attempt",
  "model/drivers/watched-fetch.ts": "a model call: recorded by the loop, attempt by attempt",
  "model/witnessed.ts": "a model call, seen on its way for debug evidence: recorded by the loop",
  "model/routes/openrouter-catalogue.ts": "route discovery: `auditedFetch`",
  "tools/bash/shell.ts": "the tool bash: recorded by the loop with its boundary, `shell`",
  "tools/web/domains.ts": "reads host names",
  "tools/mcp/process.ts": "servers over stdio: `recorded`, and calls of runs by the loop, kind `mcp`",
  "tools/process/guard.ts": "kills what a dead daemon left of its own",
  "tools/process/traces.ts": "looks at processes of the daemon's own",
  "tools/sandbox/open.ts": "tries the sandbox once at the start: runs nothing in it",
  "governance/accounts/token-endpoint.ts": "the refresh of an account's tokens: `auditedFetch`",
  "governance/audit/audited-fetch.ts": "records by itself",
  "governance/outbound/guarded-fetch.ts":
    "what hooks and the web tools are given: recorded by `auditedCallers`; by the loop with the tool, and by `accounted`",
  "governance/outbound/network-allow.ts": "reads addresses",
  "governance/outbound/address.ts": "reads addresses",
  "governance/outbound/target.ts": "reads addresses",
};
/** The daemon's own door, and what runs at its operator's: nothing that an agent does. */
const DOORS = /^surface\//;

async function* sources(below = ""): AsyncGenerator<string> {
  for (const entry of await readdir(join(SOURCE, below), { withFileTypes: true })) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && entry.name !== "testing") yield* sources(path);
    else if (path.endsWith(".ts") && !/\.(test|fixture)\.ts$/.test(path)) yield path;
  }
}

test("02-R74 each place by which something could leave the daemon is known, and says who records it", async () => {
  const found: string[] = [];
  for await (const path of sources()) {
    if (!DOORS.test(path) && REACHES.test(await readFile(join(SOURCE, path), "utf8"))) found.push(path);
  }
  expect(found.sort()).toEqual(Object.keys(KNOWN).sort());
});

describe("02-R74 what the daemon asks by itself", () => {
  const recorded: ExternalAction[] = [];
  const ledger = { record: async (action: ExternalAction) => void recorded.push(action) };
  const URL_ = "https://models.example:8443/v1/models?key=secret";

  async function asked(fetch: typeof globalThis.fetch, init?: RequestInit): Promise<unknown> {
    recorded.length = 0;
    return auditedFetch(ledger, "route_discovery", fetch)(URL_, init).catch((error: unknown) => error);
  }

  test("is on record before it leaves, as host and port and a digest, and so is what came of it", async () => {
    let before = 0;
    await asked(async () => {
      before = recorded.length;
      return new Response("{}");
    });
    expect(before).toBe(1);
    const common = { principal_id: "daemon", kind: "route_discovery", target: "https://models.example:8443" };
    expect(recorded).toEqual([
      { ...common, phase: "request", request_digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { ...common, phase: "response", outcome: "ok" },
    ]);
    expect(JSON.stringify(recorded)).not.toContain("secret");
  });

  test.each<[string, () => Promise<Response>, string]>([
    ["401", async () => new Response("", { status: 401 }), "failed:unauthorized"],
    ["403", async () => new Response("", { status: 403 }), "failed:permission"],
    ["500", async () => new Response("", { status: 500 }), "failed:status"],
    ["no connection", () => Promise.reject(new TypeError("fetch failed")), "failed:connect"],
    [
      "a private network",
      () => Promise.reject(new OutboundRefused("blocked_private_network", "no")),
      "failed:blocked_private_network",
    ],
  ])("02 weakness 22: fails by its class: %s", async (_name, answer, outcome) => {
    await asked(answer);
    expect(recorded.at(-1)).toMatchObject({ phase: "failed", outcome });
  });

  test.each([
    [new DOMException("late", "TimeoutError"), "failed:timeout"],
    [new DOMException("enough", "AbortError"), "failed:interrupted"],
  ])("and when it is stopped: %s", async (reason, outcome) => {
    const signal = AbortSignal.abort(reason);
    await asked(() => Promise.reject(reason), { signal });
    expect(recorded.at(-1)).toMatchObject({ phase: "failed", outcome });
  });

  test("a hook's command and its request, each attempt, with whose they are", async () => {
    recorded.length = 0;
    const callers = auditedCallers(ledger, {
      command: async () => ({ kind: "text", text: "{}" }),
      http: async () => ({ kind: "failed", class: "transport", error: "broke", retryable: true }),
    });
    const input = { event: "pre_tool_use", session_id: "s", run_id: "run-1", invocation_key: "k" };
    const call = { input, executionKey: "e", attempt: 1, signal: new AbortController().signal };
    const url = "https://hooks.example:8443/secret-path?token=x";
    await callers.command?.({ ...call, executor: { type: "command", command: "rm -rf" } } as never);
    await callers.http?.({ ...call, executor: { type: "http", url } } as never);
    const whose = { session_id: "s", run_id: "run-1" };
    expect(recorded).toMatchObject([
      { ...whose, kind: "hook_command", target: "command", phase: "request" },
      { ...whose, kind: "hook_command", phase: "response", outcome: "ok" },
      { ...whose, kind: "hook_http", target: "https://hooks.example:8443", phase: "request" },
      { ...whose, kind: "hook_http", phase: "failed", outcome: "failed:transport" },
    ]);
    expect(JSON.stringify(recorded)).not.toMatch(/secret|rm -rf/);
    const refusing = { record: () => Promise.reject(new AuditRefused("gone")) };
    const refused = auditedCallers(refusing, { command: () => Promise.reject(new Error("it left")) });
    expect(
      await refused.command?.({ ...call, executor: { type: "command", command: "x" } } as never),
    ).toMatchObject({
      kind: "failed",
      class: "internal",
    });
  });

  test("02-R80 does not leave when the ledger cannot vouch for it", async () => {
    let left = 0;
    const refusing = { record: () => Promise.reject(new AuditRefused("the key store is gone")) };
    const fetch = auditedFetch(refusing, "route_discovery", async () => {
      left += 1;
      return new Response("{}");
    });
    await expect(fetch("https://models.example/v1/models")).rejects.toThrow("external action refused");
    expect(left).toBe(0);
  });
});
