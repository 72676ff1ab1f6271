import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { everyCommand } from "./testing/every-command.ts";
import { fakeDaemon, json, plain, problem } from "./testing/fake-daemon.ts";
import { kheish } from "./testing/run-cli.ts";
import { runtimeView, runView } from "./testing/samples.ts";

describe("usage", () => {
  it.each([
    ["nothing at all", []],
    ["an unknown command", ["nope"]],
    ["an unknown subcommand", ["runs", "nope"]],
    ["an unknown flag", ["status", "--nope"]],
    ["a missing argument", ["runs", "get"]],
    ["too many arguments", ["runs", "get", "run-1", "run-2"]],
    ["a bad choice", ["status", "--output", "xml"]],
    ["a bad number", ["runs", "list", "--limit", "0"]],
    ["a missing required flag", ["runs", "prune"]],
    [
      "an exclusive pair",
      ["sessions", "create", "--capability-scope-json", "{}", "--capability-scope-file", "x"],
    ],
    ["a bad URL", ["status", "--base-url", "ftp://example.org"]],
    ["credentials in the URL", ["status", "--base-url", "http://user:hunter22@127.0.0.1:1"]],
    ["two tokens", ["status", "--token", "a", "--token-file", "b"]],
    ["an unreadable token file", ["status", "--token-file", "/does/not/exist"]],
    ["a token that is none", ["status", "--token", "a b"]],
    ["an id that URLs swallow", ["runs", "get", ".."]],
    ["a client id that is no place", ["mcp", "oauth", "client-metadata", "nope"]],
  ])("%s is exit code 2", async (_what, argv) => {
    const { code, stdout, stderr } = await kheish(argv);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^(Error: |Usage: )/);
    expect(stderr).not.toContain("hunter22");
  });

  it("shows help on standard output, for every way to ask", async () => {
    for (const argv of [
      ["--help"],
      ["help"],
      ["runs", "--help"],
      ["help", "runs"],
      ["runs", "help", "get"],
    ]) {
      const { code, stdout, stderr } = await kheish(argv);
      expect({ argv, code, stderr }).toEqual({ argv, code: 0, stderr: "" });
      expect(stdout).toMatch(/^Usage: kheish/);
    }
    expect((await kheish(["help", "runs"])).stdout).toContain("prune");
  });

  it.each([60, 80, 120])("fits help on a screen of %i columns, that of every command", async (columns) => {
    for (const command of await everyCommand()) {
      const { code, stdout } = await kheish([...command, "--help"], { columns });
      expect(code).toBe(0);
      // A word that is longer than its column stays whole: it is there to be copied.
      const tooLong = stdout
        .split("\n")
        .filter((line) => line.length > columns && !/^\s*\S+( <\S+>)?$/.test(line));
      const usage = tooLong.filter((line) => !line.startsWith("Usage: "));
      expect({ command, usage }).toEqual({ command, usage: [] });
    }
  });

  it("stands in docs/cli.md with every command, which has no other", async () => {
    const all = (await everyCommand()).map((words) => words.join(" "));
    const leaves = all.filter(
      (command) => command === "doctor" || !all.some((other) => other.startsWith(`${command} `)),
    );
    const text = await readFile(new URL("../../../../../docs/cli.md", import.meta.url), "utf8");
    const rows = [...text.matchAll(/^\| (of [a-z ]+|`[a-z]+`) \| (.*) \|$/gm)];
    const written = rows.flatMap(([, group = "", cell = ""]) => {
      const names = [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
      return group.startsWith("`") ? names.map((name) => `${group.slice(1, -1)} ${name}`) : names;
    });
    const shells = ["bash", "zsh", "fish"];
    expect(written.filter((name) => !shells.includes(name)).toSorted()).toEqual(leaves.toSorted());
  });

  it("leads from a command's help to the flags that every command takes", async () => {
    expect((await kheish(["runs", "get", "--help"])).stdout).toContain("See 'kheish --help' for --base-url");
    expect((await kheish(["--help"])).stdout).not.toContain("See 'kheish --help'");
  });

  it("says what a word is not, by the name that the help has for it", async () => {
    const { stderr } = await kheish(["runtime", "set-debug-level", "nope"]);
    expect(stderr).toMatch(/^Error: 'nope' is no <level>\. Allowed choices are off, on, redacted, full\.\n/);
  });

  it("tells who looks for --json", async () => {
    const { code, stderr } = await kheish(["status", "--json"]);
    expect(code).toBe(2);
    expect(stderr).toBe(
      "Error: unknown option '--json'\n(For JSON: --output json, or any pipe)\nRun it with --help for its usage.\n",
    );
  });

  it("knows its version", async () => {
    expect(await kheish(["--version"])).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
  });
});

describe("what cannot be read", () => {
  it.each([
    ["a token file", ["status", "--token-file", "nope"]],
    ["a skill's folder", ["skills", "lock", "--root", "nope", "--out", "x"]],
    ["an export", ["audit", "verify", "nope"]],
    ["a document", ["runtime", "tool-limits", "set", "--file", "nope"]],
  ])("%s is said in words", async (_what, argv) => {
    const { code, stderr } = await kheish(argv, { workingDirectory: tmpdir() });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^Error: cannot read '\S*nope': there is no such file or folder\n$/);
  });
});

describe("where nothing can be written", () => {
  it("a backup ends at once, and the daemon is not asked for one", async () => {
    const daemon = await fakeDaemon({});
    const argv = ["backup", "--out", "no/such/folder/b.tar", "--base-url", daemon.baseUrl];
    const { code, stderr } = await kheish(argv, { workingDirectory: tmpdir() });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: cannot write '\S+\/b\.tar': there is no such file or folder\n$/);
    expect(daemon.requests).toEqual([]);
  });

  it("an archive that is not there is said in words", async () => {
    const { code, stderr } = await kheish(["restore", "nope.tar", "--verify"], {
      workingDirectory: tmpdir(),
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: cannot read '\S+nope\.tar': there is no such file or folder\n$/);
  });
});

describe("what is no daemon, or not this one", () => {
  it("a web page is not printed", async () => {
    const daemon = await fakeDaemon({
      "GET /v1/status": plain("<!DOCTYPE HTML>\n<html><body>Not here</body></html>", 404),
    });
    const { code, stderr } = await kheish(["status", "--base-url", daemon.baseUrl]);
    expect(code).toBe(5);
    expect(stderr).toBe(
      "Error: daemon returned 404 (not_found): a web page, as no daemon answers; is it at this URL?\n",
    );
  });

  it("one that speaks no TLS is said in words", async () => {
    const daemon = await fakeDaemon({});
    const { code, stderr } = await kheish([
      "status",
      "--base-url",
      daemon.baseUrl.replace("http:", "https:"),
    ]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/: what answers there speaks no TLS \(does its URL begin with http:\/\/ \?\)\n$/);
  });

  it("a missing token leads to the flag that brings one", async () => {
    const daemon = await fakeDaemon({ "GET /v1/status": problem(401, "missing_token", "send a token") });
    const { code, stderr } = await kheish(["status", "--base-url", daemon.baseUrl]);
    expect(code).toBe(4);
    expect(stderr).toContain("\n  give its token with --token-file <path> or KHEISH_DAEMON_TOKEN_FILE\n");
  });
});

describe("the request", () => {
  it("percent-encodes ids and carries the token", async () => {
    const id = "a/b c?#ü";
    const daemon = await fakeDaemon({
      [`GET /v1/runs/${encodeURIComponent(id)}`]: json(runView({ run_id: id })),
    });
    const { code } = await kheish(["runs", "get", id, "--base-url", daemon.baseUrl, "--token", "t0k"]);
    expect(code).toBe(0);
    expect(daemon.requests[0]?.headers.authorization).toBe("Bearer t0k");
  });

  it("takes daemon and token from the environment, and flags over it", async () => {
    const daemon = await fakeDaemon({ "GET /prefix/v1/runtime": json(runtimeView()) });
    const folder = await mkdtemp(join(tmpdir(), "kheish-cli-"));
    await writeFile(join(folder, "token"), "from-file\n");
    const env = { KHEISH_DAEMON_URL: `${daemon.baseUrl}/prefix/`, KHEISH_DAEMON_TOKEN: "from-env" };
    const setup = { env, workingDirectory: folder };
    await kheish(["runtime", "get"], setup);
    await kheish(["runtime", "get", "--token-file", "token"], setup);
    const sent = daemon.requests.map(({ headers }) => headers.authorization);
    expect(sent).toEqual(["Bearer from-env", "Bearer from-file"]);
  });
});

describe("exit codes", () => {
  it.each([
    [400, 2],
    [413, 2],
    [422, 2],
    [401, 4],
    [403, 4],
    [404, 5],
    [409, 6],
    [408, 7],
    [429, 7],
    [503, 7],
    [504, 7],
    [500, 1],
    [405, 1],
  ])("HTTP %i is exit code %i", async (status, exitCode) => {
    const daemon = await fakeDaemon({ "GET /v1/status": problem(status, "some_code", "what is wrong") });
    const { code, stdout, stderr } = await kheish(["status", "--base-url", daemon.baseUrl]);
    expect(code).toBe(exitCode);
    expect(stdout).toBe("");
    const [first] = stderr.split("\n");
    expect(`${first}\n`).toBe(`Error: daemon returned ${status} (some_code): what is wrong\n`);
  });

  it("lists what was wrong with which field", async () => {
    const errors = [
      { path: "/content", message: "too long" },
      { path: "", message: "not an object" },
    ];
    const members = { errors, run_id: "run-7", incident_id: "inc-1" };
    const daemon = await fakeDaemon({ "GET /v1/status": problem(422, "body", "invalid", members) });
    const { stderr } = await kheish(["status", "--base-url", daemon.baseUrl]);
    expect(stderr.split("\n").slice(1)).toEqual([
      "  /content: too long",
      "  /: not an object",
      "  run: run-7",
      "  incident: inc-1",
      "",
    ]);
  });

  it("understands a refusal that is no problem document", async () => {
    const daemon = await fakeDaemon({ "GET /v1/status": plain("<h1>Bad\n gateway</h1>", 502) });
    const { code, stderr } = await kheish(["status", "--base-url", daemon.baseUrl]);
    expect(code).toBe(1);
    expect(stderr).toBe("Error: daemon returned 502 (daemon_error): <h1>Bad gateway</h1>\n");
  });

  it("is 3 when nobody listens", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    await new Promise((resolve) => server.close(resolve));
    const { code, stderr } = await kheish(["status", "--base-url", `http://127.0.0.1:${port}`]);
    expect(code).toBe(3);
    expect(stderr).toContain("connection refused");
  });

  it("is 3 when the connection breaks", async () => {
    const daemon = await fakeDaemon({ "GET /v1/status": (_request, response) => void response.destroy() });
    expect((await kheish(["status", "--base-url", daemon.baseUrl])).code).toBe(3);
  });

  it("is 8 when the answer has another shape, or none", async () => {
    const wrongShape = await fakeDaemon({ "GET /v1/status": json({ status: "fine" }) });
    const shape = await kheish(["status", "--base-url", wrongShape.baseUrl]);
    expect(shape).toMatchObject({ code: 8, stdout: "" });
    expect(shape.stderr).toContain("the daemon's answer to status does not have the expected shape: /");
    const noJson = await fakeDaemon({ "GET /v1/status": plain("hello") });
    expect((await kheish(["status", "--base-url", noJson.baseUrl])).code).toBe(8);
  });
});

describe("output", () => {
  const view = { ...runView({ status: "completed" }), added_by_a_newer_daemon: true };

  it.each([
    ["a pipe", [], undefined, `${JSON.stringify(view, undefined, 2)}\n`],
    ["a pipe, json", ["--output", "json"], undefined, `${JSON.stringify(view)}\n`],
    ["a terminal, pretty", ["--output", "pretty"], 80, `${JSON.stringify(view, undefined, 2)}\n`],
    ["a terminal, json", ["--output", "json"], 80, `${JSON.stringify(view)}\n`],
  ])("in %s is one JSON value with everything the daemon sent", async (_where, flags, columns, expected) => {
    const daemon = await fakeDaemon({ "GET /v1/runs/run-1": json(view) });
    const argv = ["runs", "get", "run-1", "--base-url", daemon.baseUrl, ...flags];
    const { stdout } = await kheish(argv, columns === undefined ? {} : { columns });
    expect(stdout).toBe(expected);
  });

  it("on a terminal is for eyes, and without colours when asked", async () => {
    const daemon = await fakeDaemon({ "GET /v1/runs/run-1": json(view) });
    const argv = ["runs", "get", "run-1", "--base-url", daemon.baseUrl];
    const colored = await kheish(argv, { columns: 80 });
    expect(colored.stdout).toContain("\x1b[32mcompleted\x1b[39m");
    const plainText = await kheish(argv, { columns: 80, env: { NO_COLOR: "1" } });
    expect(plainText.stdout).toMatch(/^run-1 {2}completed\nsession +s1\n/);
    expect(plainText.stdout).not.toContain("\x1b");
  });
});
