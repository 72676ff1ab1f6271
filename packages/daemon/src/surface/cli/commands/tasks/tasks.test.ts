import type { TaskOutputView, TaskRecord } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import { fakeDaemon, json } from "../../testing/fake-daemon.ts";
import { kheish } from "../../testing/run-cli.ts";
import { NOW } from "../../testing/samples.ts";

const TASK: TaskRecord = {
  id: "shell-task-1",
  title: "Build it",
  description: "make all",
  status: "failed",
  blocked_by: [],
  blocks: [],
  output: "exited with code 2",
  metadata: { kind: "background_shell", command: "make all", exit_code: 2, sandbox: "bubblewrap" },
  created_at_ms: NOW - 60_000,
  updated_at_ms: NOW,
  revision: 4,
};
const OUTPUT: TaskOutputView = {
  retrieval_status: "success",
  task: TASK,
  output_excerpt: "make: *** no rule\u001b[31m\n",
  output_truncated: true,
  output_rotated: false,
};
const ALL = "/v1/sessions/s/tasks";

describe("04 tasks", () => {
  it.each([
    [["list", "s"], `GET ${ALL}`, "", [TASK]],
    [["list", "s", "--status", "failed", "--limit", "5"], `GET ${ALL}?limit=5&status=failed`, "", [TASK]],
    [["get", "s", "shell-task-1"], `GET ${ALL}/shell-task-1`, "", TASK],
    [["output", "s", "shell-task-1"], `GET ${ALL}/shell-task-1/output`, "", OUTPUT],
    [
      ["output", "s", "shell-task-1", "--wait", "--timeout-ms", "500", "--tail-bytes", "10", "--full"],
      `GET ${ALL}/shell-task-1/output?wait=true&timeout_ms=500&tail_bytes=10&full=true`,
      "",
      OUTPUT,
    ],
    [["stop", "s", "shell-task-1"], `POST ${ALL}/shell-task-1/stop`, {}, TASK],
    [
      ["stop", "s", "shell-task-1", "--reason", "enough"],
      `POST ${ALL}/shell-task-1/stop`,
      { reason: "enough" },
      TASK,
    ],
  ])("04: %j is one call, and prints what the daemon answered", async (argv, call, body, answer) => {
    const [method = "", url = ""] = call.split(" ");
    const daemon = await fakeDaemon({ [`${method} ${url.split("?")[0]}`]: json(answer) });
    const { code, stdout } = await kheish(["--base-url", daemon.baseUrl, "tasks", ...argv]);
    expect(code).toBe(0);
    expect(daemon.requests).toMatchObject([{ method, url, body }]);
    expect(JSON.parse(stdout)).toEqual(answer);
  });

  it("04: is for eyes on a terminal, where an output cannot steer it", async () => {
    const daemon = await fakeDaemon({
      [`GET ${ALL}`]: json([TASK]),
      [`GET ${ALL}/shell-task-1`]: json(TASK),
      [`GET ${ALL}/shell-task-1/output`]: json(OUTPUT),
    });
    const show = async (...argv: string[]) =>
      (
        await kheish(["--base-url", daemon.baseUrl, "tasks", ...argv], {
          columns: 100,
          env: { NO_COLOR: "1" },
        })
      ).stdout;
    expect(await show("list", "s")).toBe(
      "TASK          STATUS  CREATED  TITLE\nshell-task-1  failed  1m ago   Build it\n",
    );
    const detail = await show("get", "s", "shell-task-1");
    for (const line of ["command    make all", "exit code  2", "sandbox    bubblewrap"])
      expect(detail).toContain(line);
    const output = await show("output", "s", "shell-task-1");
    expect(output).toContain("make: *** no rule");
    expect(output).toContain("failed: exited with code 2");
    expect(output).not.toContain("\u001b");
    daemon.on(`GET ${ALL}`, json([]));
    expect(await show("list", "s")).toBe("No tasks.\n");
  });
});
