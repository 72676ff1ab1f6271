import type { EndpointId } from "@kheish/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Client } from "../http/support/client.ts";
import { ServedDaemon } from "../support/served.ts";

let daemon: ServedDaemon;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const admin = new Client(() => daemon.baseUrl, bearer("admin-secret"));
const reader = new Client(() => daemon.baseUrl, bearer("reader-secret"));

beforeAll(async () => {
  daemon = await ServedDaemon.start({
    store: "sqlite",
    httpAuthMode: "bearer",
    adminToken: "admin-secret",
    readonlyToken: "reader-secret",
  });
});
afterAll(() => daemon.remove());

describe("02 HTTP: who may look at the settings and who may change them", () => {
  test.each<EndpointId>(["getRuntime", "getLearningPolicy", "getRunMemoryPolicy", "getToolLimits"])(
    "02-R84 a read-only token may ask for %s",
    async (endpoint) => {
      expect((await reader.exchange(endpoint)).status).toBe(200);
    },
  );

  test.each<[EndpointId, Record<string, string>, object | undefined]>([
    ["getHooks", {}, undefined],
    ["listRuntimeRevisions", {}, undefined],
    ["diffRuntimeRevision", { revision: "1" }, undefined],
    ["logs", {}, undefined],
    ["setModel", {}, { model: "simulator/echo" }],
    ["setPermissionMode", {}, { mode: "bypassPermissions" }],
    ["setSystemPrompt", {}, { settings: {} }],
    ["setDebugLevel", {}, { level: "full" }],
    ["setHooks", {}, { settings: { hooks: {} } }],
    ["setLearningPolicy", {}, { policy: {} }],
    ["setRunMemoryPolicy", {}, { policy: {} }],
    ["setToolLimits", {}, { limits: {} }],
    ["patchToolLimits", {}, { max_parallel_tools: 1 }],
    ["rollbackRuntime", {}, {}],
    ["checkPermission", {}, { tool_name: "bash" }],
    ["permissionMatrix", {}, {}],
  ])("02-R84 %s needs the admin token", async (endpoint, params, body) => {
    const call = { params, ...(body === undefined ? {} : { body }) };
    expect(await reader.refusal(endpoint, call)).toMatchObject({ status: 403, code: "insufficient_access" });
    expect((await admin.call("getRuntime")).config.revision).toBe(0);
  });

  test("02 weakness 6: a revision names the principal and the request that made it", async () => {
    const body = JSON.stringify({ mode: "plan" });
    const headers = { "content-type": "application/json" };
    const made = await admin.send("POST", "/v1/runtime/permission-mode", { headers, body });
    const [revision] = (await admin.call("listRuntimeRevisions")).revisions;
    expect(revision?.request_id).toBe(made.headers.get("x-request-id"));
    expect(revision?.actor).toMatch(/admin/);
    expect(JSON.stringify(revision)).not.toContain("secret");
  });
});
