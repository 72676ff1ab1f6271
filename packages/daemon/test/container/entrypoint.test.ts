import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const container = (name: string) => fileURLToPath(new URL(`../../../../container/${name}`, import.meta.url));

let root: string;
let paths: Record<"admin" | "readonly" | "key" | "empty" | "folder" | "secret" | "link" | "none", string>;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "kheish-entrypoint-"));
  chmodSync(root, 0o755);
  const path = (name: string) => join(root, name);
  mkdirSync(path("bin"));
  // Says what it was given, and what it would give to files.
  writeFileSync(path("bin/kheish"), `#!/bin/sh\numask\nfor word in "$@"; do echo "$word"; done\n`, {
    mode: 0o755,
  });
  chmodSync(path("bin/kheish"), 0o755);
  writeFileSync(path("admin"), "token\n");
  writeFileSync(path("readonly"), "other\n");
  writeFileSync(path("key"), "key\n");
  writeFileSync(path("empty"), "");
  writeFileSync(path("secret"), "token\n");
  for (const name of ["admin", "readonly", "key", "empty"]) chmodSync(path(name), 0o644);
  chmodSync(path("secret"), 0o000);
  mkdirSync(path("folder"));
  symlinkSync(path("admin"), path("link"));
  symlinkSync(path("folder"), path("alias"));
  const named = ["admin", "readonly", "key", "empty", "folder", "secret", "link", "none"].map((name) => [
    name,
    path(name),
  ]);
  paths = Object.fromEntries(named) as typeof paths;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** As the image sets it. */
const image = () => ({
  KHEISH_BIND: "0.0.0.0:4000",
  KHEISH_STATE_ROOT: "/var/lib/kheish/state",
  KHEISH_WORKSPACE_ROOT: "/workspace",
  KHEISH_HTTP_AUTH_MODE: "bearer",
  KHEISH_DAEMON_ADMIN_TOKEN_FILE: paths.admin,
});

function enter(args: readonly string[], env: Record<string, string | undefined> = {}) {
  // Root may read everything; what the image's user may not read is seen only by somebody else.
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const done = spawnSync("sh", [container("entrypoint.sh"), ...args], {
    encoding: "utf8",
    cwd: "/",
    env: { ...image(), ...env, PATH: `${join(root, "bin")}:${process.env.PATH}` },
    ...nobody,
  });
  return { status: done.status, stdout: done.stdout, stderr: done.stderr };
}
const started = (args: readonly string[], env: Record<string, string | undefined> = {}) => {
  const { status, stdout, stderr } = enter(args, env);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout.trimEnd().split("\n");
};
const refused = (args: readonly string[], env: Record<string, string | undefined> = {}) => {
  const { status, stdout, stderr } = enter(args, env);
  expect({ status, stdout }).toEqual({ status: 64, stdout: "" });
  expect(stderr).toMatch(/^kheish-entrypoint: [^\n]+\n$/);
  return stderr;
};

describe("02 container: the entrypoint", () => {
  test.each([
    [[], ["serve"]],
    [
      ["--log-level", "debug"],
      ["serve", "--log-level", "debug"],
    ],
    [
      ["serve", "--bind", "0.0.0.0:1"],
      ["serve", "--bind", "0.0.0.0:1"],
    ],
    [["start"], ["start"]],
    [
      ["status", "--output", "json"],
      ["status", "--output", "json"],
    ],
    [
      ["sessions", "input", "s", "two words  and *"],
      ["sessions", "input", "s", "two words  and *"],
    ],
  ])("%j runs kheish %j, with files for its user only", (args, expected) => {
    expect(started(args)).toEqual(["0077", ...expected]);
  });

  test("other commands are not its business", () => {
    const wrong = { KHEISH_STATE_ROOT: "relative", KHEISH_DAEMON_ADMIN_TOKEN_FILE: paths.none };
    expect(started(["status"], wrong)).toEqual(["0077", "status"]);
  });

  test.each([
    ["a relative state root", [], { KHEISH_STATE_ROOT: "state" }, "state root"],
    ["no state root", [], { KHEISH_STATE_ROOT: "" }, "state root"],
    ["a relative workspace", [], { KHEISH_WORKSPACE_ROOT: "./work" }, "workspace root"],
    ["a relative state root on the command line", ["--state-root=state"], {}, "state root"],
    ["a relative routes file", ["serve", "--routes-file", "routes.toml"], {}, "routes file"],
    ["a relative routes file by env", [], { KHEISH_ROUTES_FILE: "routes.toml" }, "routes file"],
    ["a flag without its value", ["serve", "--state-root"], {}, "--state-root needs a value"],
    ["the same directory twice", [], { KHEISH_WORKSPACE_ROOT: "/var/lib/kheish/../kheish/state/" }, "same"],
    ["the state inside the workspace", [], { KHEISH_WORKSPACE_ROOT: "/var/lib/kheish" }, "inside"],
    ["the whole disk as workspace", [], { KHEISH_WORKSPACE_ROOT: "/" }, "inside"],
    ["an unknown bind without bearer", [], { KHEISH_HTTP_AUTH_MODE: "auto" }, "bearer"],
    ["a bind beyond loopback with none", ["--http-auth-mode", "none"], {}, "bearer"],
    ["no mode", [], { KHEISH_HTTP_AUTH_MODE: "" }, "bearer"],
    ["no admin token", [], { KHEISH_DAEMON_ADMIN_TOKEN_FILE: "" }, "admin token"],
    [
      "a name that looks like loopback",
      ["--bind", "127.0.0.1.example.com:4000", "--http-auth-mode=auto"],
      {},
      "bearer",
    ],
  ])("refuses %s", (_what, args, env, words) => {
    expect(refused(args, env)).toContain(words);
  });

  test("refuses the same directory under another name", () => {
    const env = { KHEISH_STATE_ROOT: paths.folder, KHEISH_WORKSPACE_ROOT: join(root, "alias") };
    expect(refused([], env)).toContain("same");
  });

  test.each([
    ["a file that is not there", "none", "not a regular file"],
    ["a directory", "folder", "not a regular file"],
    ["an empty file", "empty", "is empty"],
    ["a file that it may not read", "secret", "cannot be read"],
  ] as const)("refuses %s for any secret", (_what, name, words) => {
    for (const variable of [
      "KHEISH_DAEMON_ADMIN_TOKEN_FILE",
      "KHEISH_DAEMON_READONLY_TOKEN_FILE",
      "KHEISH_DAEMON_TOKEN_FILE",
      "KHEISH_AUTH_STORE_MASTER_KEY_FILE",
      "KHEISH_EXTERNAL_ACTION_AUDIT_SIGNING_KEY_FILE",
      "KHEISH_DEBUG_CAPTURE_KEY_FILE",
      "KHEISH_DEBUG_REDACT_TOKENS_FILE",
    ])
      expect(refused([], { [variable]: paths[name] })).toContain(words);
    expect(refused(["--http-readonly-token-file", paths[name]])).toContain(words);
  });

  test("takes a link to a file, as orchestrators mount secrets", () => {
    expect(started([], { KHEISH_DAEMON_ADMIN_TOKEN_FILE: paths.link })).toEqual(["0077", "serve"]);
  });

  test("refuses a secret with two sources, without saying it", () => {
    for (const name of [
      "KHEISH_DAEMON_ADMIN_TOKEN",
      "KHEISH_DAEMON_READONLY_TOKEN",
      "KHEISH_DAEMON_TOKEN",
      "KHEISH_AUTH_STORE_MASTER_KEY",
      "KHEISH_EXTERNAL_ACTION_AUDIT_SIGNING_KEY",
      "KHEISH_DEBUG_CAPTURE_KEY",
      "KHEISH_DEBUG_REDACT_TOKENS",
    ]) {
      const said = refused([], { [name]: "hunter2", [`${name}_FILE`]: paths.key });
      expect(said).toContain("inline and as a file");
      expect(said).not.toContain("hunter2");
    }
    const both = ["--http-admin-token", "hunter2", "--http-admin-token-file", paths.admin];
    expect(refused(both)).toContain("inline and as a file");
  });

  test("the command line wins over the environment", () => {
    const bad = { KHEISH_STATE_ROOT: "relative", KHEISH_HTTP_AUTH_MODE: "none", KHEISH_BIND: "10.0.0.1:1" };
    const args = ["--state-root", "/state", "--http-auth-mode=bearer", "--bind", "0.0.0.0:4000"];
    expect(started(args, bad)).toEqual(["0077", "serve", ...args]);
    // The last one counts, as it does for the daemon.
    expect(refused(["--state-root", "/state", "--state-root", "relative"])).toContain("state root");
    expect(started(["--http-admin-token", "x"], { KHEISH_DAEMON_ADMIN_TOKEN_FILE: paths.none })).toContain(
      "x",
    );
    expect(started(["--http-admin-token-file", paths.admin], { KHEISH_DAEMON_ADMIN_TOKEN: "x" })).toContain(
      paths.admin,
    );
  });

  test.each(["127.0.0.1:4000", "127.1.2.3:4000", "localhost:4000", "[::1]:4000"])(
    "on %s neither bearer nor a token is needed",
    (bind) => {
      const env = { KHEISH_BIND: bind, KHEISH_HTTP_AUTH_MODE: "auto", KHEISH_DAEMON_ADMIN_TOKEN_FILE: "" };
      expect(started([], env)).toEqual(["0077", "serve"]);
    },
  );

  test("the override lets the mode pass and never the missing token", () => {
    const env = { KHEISH_HTTP_AUTH_MODE: "auto", KHEISH_ALLOW_INSECURE_NON_LOOPBACK: "true" };
    expect(started([], env)).toEqual(["0077", "serve"]);
    expect(refused([], { ...env, KHEISH_DAEMON_ADMIN_TOKEN_FILE: "" })).toContain("admin token");
    expect(refused([], { ...env, KHEISH_ALLOW_INSECURE_NON_LOOPBACK: "1" })).toContain("bearer");
  });
});

describe("02 container: the files around it", () => {
  test("the image is what the specification says", async () => {
    const text = (await readFile(container("Dockerfile"), "utf8")).replaceAll(/\s*\\\n\s*/g, " ");
    for (const line of [
      "USER 10001:10001",
      "KHEISH_BIND=0.0.0.0:4000",
      "KHEISH_STATE_ROOT=/var/lib/kheish/state",
      "KHEISH_WORKSPACE_ROOT=/workspace",
      "KHEISH_HTTP_AUTH_MODE=bearer",
      "KHEISH_MCP_DISCOVERY=disabled",
      'VOLUME ["/var/lib/kheish/state", "/workspace"]',
      "HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3",
      'ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/bin/kheish-entrypoint"]',
      'CMD ["serve"]',
    ])
      expect(text).toContain(line);
    for (const tool of ["bash", "git", "ripgrep", "procps", "curl", "ca-certificates", "tini"])
      expect(text).toMatch(new RegExp(`apt-get install [^&]*\\b${tool}\\b`));
  });

  test("the composition keeps to loopback and hands secrets over as files", async () => {
    const text = await readFile(container("compose.yaml"), "utf8");
    for (const line of [
      '- "127.0.0.1:4000:4000"',
      ":/etc/kheish/routes.toml:ro",
      "KHEISH_ROUTES_FILE: /etc/kheish/routes.toml",
      "KHEISH_DAEMON_ADMIN_TOKEN_FILE: /run/secrets/admin-token",
      "KHEISH_DAEMON_TOKEN_FILE: /run/secrets/admin-token",
      "KHEISH_AUTH_STORE_MASTER_KEY_FILE: /run/secrets/auth-store-master-key",
    ])
      expect(text).toContain(line);
  });

  test("the example route keeps its key in a slot", async () => {
    expect(parse(await readFile(container("routes.toml"), "utf8"))).toEqual({
      version: 1,
      default_route: "openai",
      routes: { openai: { driver: "openai", default_model: "gpt-5.4", auth_ref: "openai.prod" } },
    });
  });
});
