import { execFile } from "node:child_process";
import { access, constants, mkdir, realpath, rm, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { SandboxMode, SandboxStatus } from "@kheish/contract";
import { bubblewrap, NO_SANDBOX, type Sandbox } from "./sandbox.ts";

export interface SandboxOptions {
  mode: SandboxMode;
  /** What else commands may write; absolute. */
  writable: readonly string[];
  /** Absolute, both. */
  stateRoot: string;
  workspaceRoot: string;
  /** Files with secrets that the daemon was told of. */
  secretFiles: readonly string[];
  hostEnv: Readonly<Record<string, string | undefined>>;
  platform: NodeJS.Platform;
}

/** A sandbox is required, and this machine has none. */
export class SandboxUnavailable extends Error {
  constructor(reason: string) {
    super(
      `--sandbox required, but commands cannot be sandboxed here: ${reason}; ` +
        "install bubblewrap and allow user namespaces, or say --sandbox auto to run without where there is none",
    );
    this.name = "SandboxUnavailable";
  }
}

/** Sockets of other services stand here: who may connect to one need not be able to write anything. */
const SERVICES = "/run";
/** Where people keep what opens other doors, below their home. */
const CREDENTIALS = [
  ".aws",
  ".azure",
  ".config/gcloud",
  ".config/gh",
  ".docker",
  ".git-credentials",
  ".gnupg",
  ".kube",
  ".netrc",
  ".npmrc",
  ".pypirc",
  ".ssh",
];
/** Of use to a root that is one outside as well. */
const PASSWORDS = ["/etc/shadow", "/etc/gshadow"];
/** Often a link to where the services are. */
const RESOLVER = "/etc/resolv.conf";
const PROBE_MS = 5_000;

/**
 * The sandbox that this machine allows, tried once: a program that is there may still be forbidden to make namespaces.
 * Throws `SandboxUnavailable` where one is required and there is none; from then on nothing falls back to running without.
 */
export async function openSandbox(
  options: SandboxOptions,
): Promise<{ sandbox: Sandbox; status: SandboxStatus }> {
  const { mode } = options;
  if (mode === "off")
    return { sandbox: NO_SANDBOX, status: { mode, in_force: "none", reason: "--sandbox off" } };
  const found = await find(options);
  if (typeof found !== "string") return { sandbox: found, status: { mode, in_force: found.name } };
  if (mode === "required") throw new SandboxUnavailable(found);
  return { sandbox: NO_SANDBOX, status: { mode, in_force: "none", reason: found } };
}

/** A sandbox that works, or why there is none. */
async function find({
  writable,
  stateRoot,
  workspaceRoot,
  secretFiles,
  hostEnv,
  platform,
}: SandboxOptions): Promise<Sandbox | string> {
  if (platform !== "linux") return `there is no bubblewrap for ${platform}`;
  const program = await findProgram("bwrap", hostEnv.PATH ?? "");
  if (program === undefined) return "bubblewrap (bwrap) is not on the PATH";
  const scratch = join(await realpath(stateRoot), "sandbox-tmp");
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const home = hostEnv.HOME ?? "";
  const credentials = isAbsolute(home) ? CREDENTIALS.map((name) => join(home, name)) : [];
  const hidden = await present([stateRoot, SERVICES, ...PASSWORDS, ...credentials, ...secretFiles]);
  const readable = (await present([RESOLVER])).map(({ path }) => path);
  const sandbox = bubblewrap({ program, writable: await real(writable), readable, hidden, scratch });
  return (await probe(sandbox, workspaceRoot)) ?? sandbox;
}

/** Only absolute folders of the PATH: a command of an agent may have put anything into the one it works in. */
async function findProgram(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(":").filter(isAbsolute)) {
    const program = join(folder, name);
    const isThere = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return realpath(program);
  }
  return undefined;
}

async function present(paths: readonly string[]): Promise<{ path: string; kind: "directory" | "file" }[]> {
  const found = await Promise.all(
    [...new Set(paths)].map(async (path) => {
      try {
        const target = await realpath(path);
        const kind = (await stat(target)).isDirectory() ? ("directory" as const) : ("file" as const);
        return [{ path: target, kind }];
      } catch {
        return [];
      }
    }),
  );
  return found.flat();
}

async function real(paths: readonly string[]): Promise<string[]> {
  return Promise.all(
    paths.map(async (path) => {
      try {
        return await realpath(path);
      } catch {
        throw new SandboxUnavailable(`what --sandbox-write names is not there: ${path}`);
      }
    }),
  );
}

/** Runs nothing, with everything around it that a command would have. Undefined when that went well. */
function probe(sandbox: Sandbox, workspaceRoot: string): Promise<string | undefined> {
  const [program = "", ...args] = sandbox.launcher({ workspaceRoot, network: false }).argv;
  return new Promise((resolve) => {
    execFile(program, [...args, "/bin/sh", "-c", ":"], { timeout: PROBE_MS, env: {} }, (error, _out, said) =>
      resolve(error === null ? undefined : `bubblewrap cannot work: ${said.trim() || error.message}`),
    );
  });
}
