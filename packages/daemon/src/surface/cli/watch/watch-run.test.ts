import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { CliClock } from "../context.ts";
import { events, fakeDaemon, frame, inTurn, json, problem } from "../testing/fake-daemon.ts";
import { FakeMachine } from "../testing/run-cli.ts";
import { runView } from "../testing/samples.ts";

const GET = "GET /v1/runs/run-1";
const STREAM = "GET /v1/runs/run-1/stream";

const promptClock: CliClock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    delay(Math.min(ms, 20), undefined, { ...(signal && { signal }) }).catch(() => undefined),
};

/** The lines a terminal shows after everything that was written to it. */
function screen(written: string): string[] {
  const lines: string[] = [];
  let row = 0;
  for (const token of written.replaceAll("\x1b[1A", "↑").replaceAll("\r\x1b[2K", "⌫")) {
    if (token === "\n") row += 1;
    else if (token === "↑") row -= 1;
    else if (token === "⌫") lines[row] = "";
    else lines[row] = (lines[row] ?? "") + token;
    lines[row] ??= "";
  }
  return lines;
}

function terminal() {
  return new FakeMachine({ columns: 80, env: { NO_COLOR: "1" }, clock: promptClock });
}

const completed = frame(
  "run_updated",
  { run: runView({ status: "completed", finished_at_ms: Date.now() }) },
  9,
);
const delta = frame("output_delta", {
  run_id: "run-1",
  session_id: "s1",
  turn: 0,
  part: "text",
  text: "Hel",
});
const message = frame(
  "trace",
  {
    trace: {
      kind: "message_appended",
      data: { turn: 0, message: { role: "assistant", parts: [{ type: "text", text: "Hello" }] } },
    },
  },
  7,
);

describe("runs watch on a terminal", () => {
  it("shows what a run has answered that was over before", async () => {
    const output = {
      session_id: "s1",
      run_id: "run-1",
      content: "Three files.\nAll fine.",
      parts: [],
      source_kind: "assistant_text",
      address: null,
    };
    const over = runView({ status: "completed", finished_at_ms: Date.now(), outputs: [output] });
    const daemon = await fakeDaemon({
      [GET]: json(over),
      [STREAM]: events([frame("run_updated", { run: over }, 9)], { close: true }),
    });
    const machine = terminal();
    const { code } = await machine.run("runs", "watch", "run-1", "--base-url", daemon.baseUrl);
    expect(code).toBe(0);
    const lines = screen(machine.stdout);
    expect(lines.slice(1, 4)).toEqual(["", "Three files.", "All fine."]);
    expect(lines.join("\n")).toContain("completed");
  });

  it("leaves the transcript on the screen and nothing of the live part", async () => {
    const daemon = await fakeDaemon({
      [GET]: json(runView()),
      [STREAM]: events([delta, message, completed]),
    });
    const { code, stdout } = await terminal().run("runs", "watch", "run-1", "--base-url", daemon.baseUrl);
    expect(code).toBe(0);
    expect(daemon.requests[1]?.url).toBe("/v1/runs/run-1/stream?snapshot=true&until=terminal");
    expect(stdout).toContain("Hel\n");
    expect(screen(stdout)).toEqual([
      "run-1  session s1, simulator/script",
      "",
      "Hello",
      "",
      expect.stringMatching(/^completed after /),
      "",
    ]);
  });

  it("goes on after the daemon was away", async () => {
    const daemon = await fakeDaemon({
      [GET]: json(runView()),
      [STREAM]: inTurn(
        events([message], { close: true }),
        problem(503, "daemon_draining", "draining"),
        events([completed]),
      ),
    });
    const { code, stdout } = await terminal().run("runs", "watch", "run-1", "--base-url", daemon.baseUrl);
    expect(code).toBe(0);
    expect(daemon.requests.at(-1)?.headers["last-event-id"]).toBe("7");
    expect(stdout).toContain("connection lost, reconnecting");
    expect(screen(stdout)).toContain("reconnected");
  });

  it("can begin with the first event", async () => {
    const daemon = await fakeDaemon({ [GET]: json(runView()), [STREAM]: events([message, completed]) });
    await terminal().run("runs", "watch", "run-1", "--from-start", "--base-url", daemon.baseUrl);
    expect(daemon.requests[1]?.url).toBe("/v1/runs/run-1/stream?cursor=0&until=terminal");
  });

  it("ends with 10 when the run did not complete", async () => {
    const failed = frame("run_updated", { run: runView({ status: "failed", error: "boom" }) }, 9);
    const daemon = await fakeDaemon({ [GET]: json(runView()), [STREAM]: events([failed]) });
    const result = await terminal().run("runs", "watch", "run-1", "--base-url", daemon.baseUrl);
    expect(result).toMatchObject({ code: 10, stderr: "Error: run-1 ended failed: boom\n" });
  });

  it("ends at once for a run that is not there", async () => {
    const daemon = await fakeDaemon({ [GET]: problem(404, "run_not_found", "no run") });
    expect((await terminal().run("runs", "watch", "run-1", "--base-url", daemon.baseUrl)).code).toBe(5);
  });

  it("repaints while nothing happens, and leaves on Ctrl-C with the run going on", async () => {
    const daemon = await fakeDaemon({ [GET]: json(runView()), [STREAM]: events([message]) });
    const machine = terminal();
    const result = machine.run("runs", "watch", "run-1", "--base-url", daemon.baseUrl);
    while (machine.stdout.split("running").length < 5) await delay(5);
    machine.signal("SIGINT");
    const { stdout } = await result;
    expect(machine.exits).toEqual([130]);
    expect(machine.listenerCount).toBe(0);
    expect(screen(stdout).slice(-2)).toEqual([
      `the run goes on; back to it: kheish --base-url ${daemon.baseUrl} runs watch run-1`,
      "",
    ]);
  });
});
