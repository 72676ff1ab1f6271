import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { has, type Machine } from "./support/machine.ts";
import { askThrough, certify, doorOfMachine, startNginx } from "./support/nginx.ts";
import { performPage } from "./support/perform.ts";
import { runbook } from "./support/runbook.ts";
import { machineWithSystemctl } from "./support/service.ts";

const BUILD = fileURLToPath(new URL("../../../../scripts/build.ts", import.meta.url));
const run = promisify(execFile);
const needed = ["bash", "curl", "jq", "nginx", "npm", "openssl", "setsid", "sha256sum", "tar"];
const missing = needed.filter((program) => !has(program));
const why = missing.length === 0 ? "" : ` (skipped: no ${missing.join(", no ")} on this machine)`;

/** A run that waits for an approval, as the page of restoring expects one. */
const WAITS = `kheish sessions input --wait billing --provider simulator '{"simulate":[{"tool_calls":[{"name":"bash","input":{"command":"true"}}]},{"text":"x"}]}' > /dev/null || [ $? = 9 ]`;

describe.skipIf(missing.length > 0)(`an operator on an empty machine, page by page${why}`, () => {
  let folder: string;
  let machine: Machine;
  let port: number;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kheish-walk-"));
    await run(process.execPath, [BUILD, "--out", folder, "daemon"]);
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
    await run("npm", ["pack", "--pack-destination", folder], { cwd: join(folder, "daemon"), env });
    const [archive = ""] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
    const door = await doorOfMachine();
    ({ port } = door);
    const install = `npm install --silent --offline --prefix $HOME --global ${join(folder, archive)}`;
    machine = await machineWithSystemctl({
      isEmpty: true,
      names: [...door.names, ["npm install --global kheish", install]],
    });
    machine.env.PATH = `${machine.env.PATH?.split(":")[0]}:${dirname(process.execPath)}:${process.env.PATH}:/usr/sbin:/sbin`;
    delete machine.env.KHEISH_BIND;
  });
  afterAll(async () => {
    await machine.run({ command: "systemctl stop kheish" });
    await machine.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const keyFromProvider = () => machine.write("etc/kheish/openai-key", randomBytes(16).toString("hex"));
  const goes = (page: string, blocks = runbook(page)) => performPage(machine, page, blocks);

  test("installs it, puts it behind a proxy, hardens it, backs it up, restores it elsewhere, and changes every key", async () => {
    await keyFromProvider();
    expect(await goes("install.md")).toBeGreaterThan(15);
    expect(existsSync(join(machine.root, "lib/node_modules/kheish/package.json")), "the published one").toBe(
      true,
    );

    const door = { port, certificate: await certify(machine) };
    const proxy = runbook("tls-proxy.md");
    const conf = proxy.find(({ info }) => info === "nginx")?.text ?? "";
    await startNginx(machine, conf, async () => (await askThrough(door, "GET", "/healthz")).status === 200);
    const checks = proxy.slice(proxy.findIndex(({ info }) => info === "sh nginx") + 1);
    expect(await goes("tls-proxy.md", checks)).toBeGreaterThan(5);

    await goes("hardening.md");
    expect((await machine.run({ command: WAITS })).exitCode).toBe(0);
    await goes("restore-drill.md");
    await goes("backup-and-restore.md");
    await keyFromProvider();
    await goes("rotation.md");

    // Whoever was let in at the beginning is let in by what is valid now, through the door.
    const through = "kheish --base-url https://kheish.example.com sessions events billing --output json";
    const history = await machine.run({ command: `${through} | grep -c 'the invoices are done'` });
    expect(history).toMatchObject({ exitCode: 0, stderr: "" });
  }, 600_000);
});
