import { readFile, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort, has, isHealthy, Machine } from "./support/machine.ts";
import { run, runbook, type Step, stepsOf } from "./support/runbook.ts";

const PAGE = runbook("tls-proxy.md");
const blocksOf = (info: string) => PAGE.filter((block) => block.info === info).map((block) => block.text);
const [SETUP = "", ...CHECKS] = blocksOf("sh");
const steps = CHECKS.flatMap(stepsOf);
const missing = ["nginx", "curl", "openssl", "bash"].filter((program) => !has(program));
const why = missing.length === 0 ? "" : ` (skipped: no ${missing.join(", no ")} on this machine)`;

/** Around the page's file: what a distribution's own nginx.conf has, in a directory of this test. */
const frame = (root: string) => `
${process.getuid?.() === 0 ? "user root;" : ""}
daemon off;
pid ${root}/etc/nginx/nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path ${root}/etc/nginx/body;
  proxy_temp_path ${root}/etc/nginx/proxy;
  fastcgi_temp_path ${root}/etc/nginx/fastcgi;
  uwsgi_temp_path ${root}/etc/nginx/uwsgi;
  scgi_temp_path ${root}/etc/nginx/scgi;
  include ${root}/etc/nginx/kheish.conf;
}
`;

describe.skipIf(missing.length > 0)(`docs/operations/tls-proxy.md${why}`, () => {
  let machine: Machine;
  let tlsPort: number;
  let certificate: string;
  beforeAll(async () => {
    tlsPort = await freePort();
    machine = await Machine.create([
      ["https://kheish.example.com", `https://localhost:${tlsPort}`],
      ["listen 443 ", `listen 127.0.0.1:${tlsPort} `],
    ]);
    const { root } = machine;
    const [ca, key] = ["fullchain", "privkey"].map((name) => join(root, `etc/ssl/kheish/${name}.pem`));
    const made = await run(
      `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost ` +
        `-addext subjectAltName=DNS:localhost -keyout ${key} -out ${ca}`,
      machine.env,
    );
    if (made.exitCode !== 0) throw new Error(made.stderr);
    certificate = await readFile(ca ?? "", "utf8");
    Object.assign(machine.env, { CURL_CA_BUNDLE: ca, NODE_EXTRA_CA_CERTS: ca });

    for (const step of stepsOf(SETUP)) {
      const done = await machine.run(step);
      if (done.exitCode !== 0) throw new Error(`${step.command}: ${done.stderr}`);
    }
    const [serve = ""] = blocksOf("sh serve");
    await machine.start(stepsOf(serve)[0]?.command ?? "", () => isHealthy(machine));

    await writeFile(join(root, "etc/nginx/nginx.conf"), frame(root));
    await writeFile(join(root, "etc/nginx/kheish.conf"), machine.here(blocksOf("nginx")[0] ?? ""));
    const nginx = "nginx -p /etc/nginx -c nginx.conf";
    const tested = await machine.run({ command: `${nginx} -t` });
    if (tested.exitCode !== 0) throw new Error(tested.stderr);
    await machine.start(nginx, async () => (await ask("GET", "/healthz")).status === 200);
  });
  afterAll(() => machine.remove());

  const admin = async () => (await readFile(join(machine.root, "etc/kheish/admin-token"), "utf8")).trim();
  const auditLines = async () =>
    (await readFile(join(machine.root, "var/lib/kheish/state/control-plane-auth/audit.jsonl"), "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));

  /** One request through the proxy, from an address of this machine. */
  async function ask(method: string, path: string, headers: Record<string, string> = {}, from = "127.0.0.1") {
    const options = { host: "127.0.0.1", servername: "localhost", port: tlsPort, ca: certificate };
    return new Promise<{ status: number | undefined; body: string; headers: NodeJS.Dict<string | string[]> }>(
      (resolve, reject) => {
        const asking = request({ ...options, method, path, headers, localAddress: from, agent: false });
        asking.on("error", reject);
        asking.on("response", async (answer) => {
          const { statusCode: status } = answer;
          resolve({ status, headers: answer.headers, body: await text(answer).catch(() => "") });
        });
        asking.end();
      },
    );
  }

  /** The events of a stream, until there are as many as wanted. */
  async function eventIds(path: string, wanted: number, lastEventId?: string): Promise<string[]> {
    const authorization = `Bearer ${await admin()}`;
    const headers = { authorization, ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }) };
    const options = { host: "127.0.0.1", servername: "localhost", port: tlsPort, ca: certificate };
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
