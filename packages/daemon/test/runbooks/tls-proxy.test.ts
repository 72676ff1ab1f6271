import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { has, isHealthy, Machine } from "./support/machine.ts";
import { askThrough, certify, type Door, doorOfMachine, startNginx } from "./support/nginx.ts";
import { runbook, type Step, stepsOf } from "./support/runbook.ts";

const PAGE = runbook("tls-proxy.md");
const blocksOf = (info: string) => PAGE.filter((block) => block.info === info).map((block) => block.text);
const [SETUP = "", ...CHECKS] = blocksOf("sh");
const steps = CHECKS.flatMap(stepsOf);
const missing = ["nginx", "curl", "openssl", "bash"].filter((program) => !has(program));
const why = missing.length === 0 ? "" : ` (skipped: no ${missing.join(", no ")} on this machine)`;

describe.skipIf(missing.length > 0)(`docs/operations/tls-proxy.md${why}`, () => {
  let machine: Machine;
  let door: Door;
  beforeAll(async () => {
    const { port, names } = await doorOfMachine();
    machine = await Machine.create(names);
    door = { port, certificate: await certify(machine) };
    for (const step of stepsOf(SETUP)) {
      const done = await machine.run(step);
      if (done.exitCode !== 0) throw new Error(`${step.command}: ${done.stderr}`);
    }
    const [serve = ""] = blocksOf("sh serve");
    await machine.start(stepsOf(serve)[0]?.command ?? "", () => isHealthy(machine));
    await startNginx(
      machine,
      blocksOf("nginx")[0] ?? "",
      async () => (await ask("GET", "/healthz")).status === 200,
    );
  });
  afterAll(() => machine.remove());

  const admin = async () => (await readFile(join(machine.root, "etc/kheish/admin-token"), "utf8")).trim();
  const auditLines = async () =>
    (await readFile(join(machine.root, "var/lib/kheish/state/control-plane-auth/audit.jsonl"), "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));

  const ask = (method: string, path: string, headers: Record<string, string> = {}, from?: string) =>
    askThrough(door, method, path, headers, from);

  /** The events of a stream, until there are as many as wanted. */
  async function eventIds(path: string, wanted: number, lastEventId?: string): Promise<string[]> {
    const authorization = `Bearer ${await admin()}`;
    const headers = { authorization, ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }) };
    const { port, certificate: ca } = door;
    const options = { host: "127.0.0.1", servername: "localhost", port, ca };
    return new Promise((resolve, reject) => {
      let received = "";
      const asking = request({ ...options, path, headers, agent: false });
      asking.on("error", reject);
      asking.on("response", (answer) => {
        answer.on("error", reject);
        answer.on("data", (chunk) => {
          received += chunk;
          const ids = [...received.matchAll(/^id: (\d+)$/gm)].map(([, id = ""]) => id);
          if (ids.length < wanted) return;
          resolve(ids.slice(0, wanted));
          answer.removeAllListeners("error").on("error", () => undefined);
          asking.destroy();
        });
      });
      asking.end();
    });
  }

  test.each(steps.map((step, index): [number, string, Step] => [index + 1, step.command, step]))(
    "step %i: %s",
    async (_index, _command, step) => {
      const { stdout, stderr, exitCode } = await machine.run(step);
      expect({ exitCode, stderr }).toEqual({ exitCode: step.expected?.exitCode ?? 0, stderr: "" });
      if (step.expected !== undefined) expect(stdout.trimEnd()).toBe(step.expected.stdout);
    },
  );

  test("a refusal comes through as the daemon gave it", async () => {
    const { status, headers, body } = await ask("GET", "/v1/status");
    expect(status).toBe(401);
    expect(headers["www-authenticate"]).toBe('Bearer realm="kheish-daemon"');
    expect(headers["content-type"]).toBe("application/problem+json");
    expect(JSON.parse(body)).toMatchObject({ code: "missing_token" });
    expect(headers).not.toHaveProperty("access-control-allow-origin");
  });

  test("a stream that was cut off goes on behind its last id, nothing twice and nothing left out", async () => {
    for (const name of ["one", "two", "three"]) {
      const command = `kheish --base-url https://kheish.example.com --token-file /etc/kheish/admin-token sessions create ${name}`;
      expect((await machine.run({ command })).exitCode).toBe(0);
    }
    const all = await eventIds("/v1/events/stream?cursor=0", 4);
    const [, second] = all;
    expect(await eventIds("/v1/events/stream", 2, second)).toEqual(all.slice(2));
  });

  test("02-W21 the daemon sees the client's address, and none that the client made up", async () => {
    await ask("GET", "/v1/runs", { "x-forwarded-for": "203.0.113.7" }, "127.0.0.9");
    await expect
      .poll(async () => (await auditLines()).at(-1))
      .toMatchObject({ path: "/v1/runs", remote_addr: "127.0.0.9" });
  });
});
