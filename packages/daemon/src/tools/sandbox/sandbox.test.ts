import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import { commandLauncher, Reading, runShell, startShell } from "../bash/index.ts";
import { bubblewrapArgs } from "./bubblewrap.ts";
import { openSandbox, type SandboxOptions, SandboxUnavailable } from "./open.ts";

let outside = "";
beforeEach(() => {
  // Not in /tmp, which a command has one of its own of.
  outside = realpathSync(mkdtempSync("/var/tmp/kheish-sandbox-"));
  for (const name of ["ws", "state", "home", "home/.ssh", "shared", "empty"]) mkdirSync(join(outside, name));
  writeFileSync(join(outside, "home/.ssh/id"), "the private key");
  writeFileSync(join(outside, "state/kheish.db"), "everything");
  writeFileSync(join(outside, "token"), "the admin token");
  writeFileSync(join(outside, "readable"), "anybody's");
});
afterEach(() => rmSync(outside, { recursive: true, force: true }));

const optionsOf = (changes: Partial<SandboxOptions> = {}): SandboxOptions => ({
  mode: "auto",
  writable: [join(outside, "shared")],
  stateRoot: join(outside, "state"),
  workspaceRoot: join(outside, "ws"),
  secretFiles: [join(outside, "token"), join(outside, "not there")],
  hostEnv: { PATH: process.env.PATH, HOME: join(outside, "home") },
  platform: process.platform,
  ...changes,
});

describe("the arguments of bubblewrap", () => {
  const args = (changes: Partial<Parameters<typeof bubblewrapArgs>[0]> = {}) =>
    bubblewrapArgs({ writable: [], readable: [], hidden: [], scratch: "/s", network: true, ...changes });

  it("make the root read-only, keep no capability, and give every namespace but the network's", () => {
    expect(args().join(" ")).toBe(
      "--unshare-user --unshare-pid --unshare-ipc --unshare-uts --cap-drop ALL --ro-bind / / --dev /dev --proc /proc --bind /s /tmp",
    );
    expect(args({ network: false })).toContain("--unshare-net");
  });

  it("mount what lies deeper after what it lies in, whichever of the two is hidden", () => {
    const inside = args({ writable: ["/ws"], hidden: [{ path: "/ws/.state", kind: "directory" }] });
    expect(inside.indexOf("/ws/.state")).toBeGreaterThan(inside.indexOf("/ws"));
    const around = args({ writable: ["/run/me/ws"], hidden: [{ path: "/run", kind: "directory" }] });
    expect(around.indexOf("/run/me/ws")).toBeGreaterThan(around.indexOf("/run"));
  });

  it("hide a folder behind an empty one, and a file behind nothing", () => {
    const hidden = args({
      hidden: [
        { path: "/a", kind: "directory" },
        { path: "/a/b", kind: "file" },
      ],
      readable: ["/a/b/c"],
    });
    expect(hidden.join(" ")).toContain("--tmpfs /a --ro-bind /dev/null /a/b --ro-bind /a/b/c /a/b/c");
  });
});

describe("03, Shell commands run with full host access: a machine without a sandbox", () => {
  const without = { hostEnv: { PATH: "/nowhere", HOME: "/" } };

  it("runs commands as they are where that is allowed, and says why", async () => {
    const { sandbox, status } = await openSandbox(optionsOf(without));
    expect(status).toEqual({
      mode: "auto",
      in_force: "none",
      reason: "bubblewrap (bwrap) is not on the PATH",
    });
    expect(sandbox.launcher({ workspaceRoot: "/ws", network: false })).toEqual({ argv: [], env: {} });
  });

  it("runs none where one is required", async () => {
    await expect(openSandbox(optionsOf({ ...without, mode: "required" }))).rejects.toThrow(
      SandboxUnavailable,
    );
    await expect(openSandbox(optionsOf({ mode: "required", platform: "darwin" }))).rejects.toThrow(
      "there is no bubblewrap for darwin",
    );
  });

  it("says that it was told to have none", async () => {
    const { status } = await openSandbox(optionsOf({ mode: "off" }));
    expect(status).toEqual({ mode: "off", in_force: "none", reason: "--sandbox off" });
  });

  it("takes no program of an agent's making for bubblewrap, nor one that does not work", async () => {
    mkdirSync(join(outside, "bin"));
    symlinkSync("/bin/false", join(outside, "bin/bwrap"));
    const relative = await openSandbox(optionsOf({ hostEnv: { PATH: "bin:./bin", HOME: "/" } }));
    expect(relative.status.reason).toContain("not on the PATH");
    const broken = await openSandbox(optionsOf({ hostEnv: { PATH: join(outside, "bin"), HOME: "/" } }));
    expect(broken.status).toMatchObject({ in_force: "none", reason: expect.stringContaining("cannot work") });
  });
});

const probeRoot = realpathSync(mkdtempSync(join(tmpdir(), "kheish-sandbox-probe-")));
const works = await openSandbox({
  mode: "auto",
  writable: [],
  stateRoot: probeRoot,
  workspaceRoot: realpathSync(tmpdir()),
  secretFiles: [],
  hostEnv: process.env,
  platform: process.platform,
});
rmSync(probeRoot, { recursive: true });

describe.skipIf(works.status.in_force === "none")("a command in bubblewrap", () => {
  async function run(command: string, { network = true } = {}) {
    const { sandbox, status } = await openSandbox(optionsOf({ mode: "required" }));
    expect(status).toEqual({ mode: "required", in_force: "bubblewrap" });
    const commands = commandLauncher({
      start: startShell,
      childEnv: { PATH: process.env.PATH ?? "", HOME: join(outside, "home") },
      sandbox,
    });
    const shell = commands.launch({
      command,
      cwd: join(outside, "ws"),
      workspaceRoot: join(outside, "ws"),
      network,
    });
    const reading = new Reading();
    const collect = async (stream: AsyncIterable<Uint8Array>) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of reading.watch(stream)) chunks.push(chunk);
      return Buffer.concat(chunks).toString();
    };
    const outputs = [collect(shell.stdout), collect(shell.stderr)] as const;
    const { code } = await runShell(shell, reading, systemClock, new AbortController().signal);
    return { code, out: await outputs[0], err: await outputs[1] };
  }

  it("writes to the workspace and to what the operator allows, and to nothing else", async () => {
    const { out } = await run(
      "echo a > in; echo b > ../shared/in; for f in ../readable ../new /etc/new ../home/new; do echo x 2>/dev/null > $f || echo refused; done; cat ../readable; pwd",
    );
    expect(out).toBe(`${"refused\n".repeat(4)}anybody's${join(outside, "ws")}\n`);
    expect(readFileSync(join(outside, "ws/in"), "utf8")).toBe("a\n");
    expect(readFileSync(join(outside, "shared/in"), "utf8")).toBe("b\n");
  });

  it("sees neither the state root, nor secrets, nor sockets of services", async () => {
    const { out } = await run("ls -A ../state ../home/.ssh /run; cat ../token; echo end");
    expect(out.replaceAll(/^\S*resolv\S*$\n|^systemd$\n/gm, "")).not.toMatch(
      /kheish\.db|id$|sock|key|admin/m,
    );
    expect(out.endsWith("end\n")).toBe(true);
  });

  it("sees no process but its own, and not what the daemon was started with", async () => {
    const { out } = await run(
      "ls /proc | grep -c '^[0-9]'; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'",
    );
    expect(Number(out.split("\n")[0])).toBeLessThan(12);
    expect(out).not.toContain("VITEST");
  });

  it("has room of its own in /tmp, which the next one finds", async () => {
    await run("echo kept > /tmp/left; mkdir -p $XDG_CACHE_HOME");
    expect((await run("ls /tmp")).out).not.toContain("kheish-sandbox-probe");
  });

  it("reaches no network where that is not allowed", async () => {
    const server = createServer((socket) => socket.end("hello\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const ask = `exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3`;
    expect((await run(ask)).out).toBe("hello\n");
    expect(await run(ask, { network: false })).toMatchObject({ out: "", code: 1 });
    server.close();
  });

  it("cannot make itself more than it is", async () => {
    const { out } = await run("grep CapEff /proc/self/status; mount -t tmpfs none /etc 2>&1 || echo refused");
    expect(out).toMatch(/CapEff:\s+0{16}\n/);
    expect(out).toContain("refused");
  });

  it("ends with the exit code of its command, and takes everything with it", async () => {
    expect((await run("setsid sleep 600 & exit 7")).code).toBe(7);
    expect((await run("true")).code).toBe(0);
  });
});
