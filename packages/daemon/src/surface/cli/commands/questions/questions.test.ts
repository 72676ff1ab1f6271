import { describe, expect, it } from "vitest";
import { type FakeDaemon, fakeDaemon, json } from "../../testing/fake-daemon.ts";
import { type CliSetup, kheish } from "../../testing/run-cli.ts";
import { pendingQuestion, runView } from "../../testing/samples.ts";

const ID = pendingQuestion().request.id;
const LIST = "GET /v1/questions";
const ANSWER = "POST /v1/runs/run-1/questions";

function questions(daemon: FakeDaemon, argv: readonly string[], setup?: CliSetup) {
  return kheish(["--base-url", daemon.baseUrl, "questions", ...argv], setup);
}

function asking() {
  return fakeDaemon({ [LIST]: json([pendingQuestion()]), [ANSWER]: json(runView(), 202) });
}

describe("questions list and show", () => {
  it("list what waits", async () => {
    const daemon = await asking();
    const { stdout } = await questions(daemon, ["list", "--session-id", "s1", "--limit", "5"]);
    expect(daemon.requests[0]?.url).toBe("/v1/questions?limit=5&session_id=s1");
    expect(JSON.parse(stdout)).toEqual([pendingQuestion()]);
  });

  it("show one with its options", async () => {
    const { stdout } = await questions(await asking(), ["show", ID], { columns: 80, env: { NO_COLOR: "1" } });
    expect(stdout.split("\n").slice(-4)).toEqual([
      "Colour: Which colour?",
      "  1. Dark red",
      "  2. Blue  like the sky",
      "",
    ]);
  });

  it("know no other question", async () => {
    expect(await questions(await asking(), ["show", "nope"])).toMatchObject({ code: 5 });
  });
});

describe("questions answer", () => {
  const answers = [{ question_id: "colour", selected_option_ids: ["red"] }];

  it("sends answers, to the run that the question names", async () => {
    const daemon = await asking();
    const json = ["--answers-json", JSON.stringify(answers)];
    const argv = ["answer", ID, ...json, "--justification", "taste", "--idempotency-key", "k"];
    expect((await questions(daemon, argv)).code).toBe(0);
    expect(daemon.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET /v1/questions?page=true&limit=100",
      ANSWER,
    ]);
    expect(daemon.requests[1]?.body).toEqual({
      idempotency_key: "k",
      resolution: { request_id: ID, answers, declined: false, justification: "taste" },
    });
  });

  it("looks nothing up when the run is named", async () => {
    const daemon = await asking();
    const { code } = await questions(daemon, ["answer", ID, "--run-id", "run-1", "--declined"]);
    expect(code).toBe(0);
    expect(daemon.requests.map(({ body }) => body)).toEqual([
      { resolution: { request_id: ID, answers: [], declined: true } },
    ]);
  });

  it("asks until it has an answer, on standard error", async () => {
    const daemon = await asking();
    const stdin = "green\n\nred, blue\ndark RED\n";
    const { code, stdout, stderr } = await questions(daemon, ["answer", ID, "--interactive"], { stdin });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ run_id: "run-1" });
    expect(stderr).toBe(
      "Colour: Which colour?\n  1. Dark red\n  2. Blue  like the sky\n" +
        "answer> There is no option 'green'.\n" +
        "answer> Choose at least one option.\n" +
        "answer> Choose one option only.\n" +
        "answer> ",
    );
    expect(daemon.requests[1]?.body).toMatchObject({ resolution: { answers } });
  });

  it("fails when the input ends too early, and answers nothing", async () => {
    const daemon = await asking();
    const { code, stderr } = await questions(daemon, ["answer", ID, "--interactive"], { stdin: "green\n" });
    expect(code).toBe(1);
    expect(stderr).toContain("Error: the input ended before every question was answered");
    expect(daemon.requests).toHaveLength(1);
  });

  it.each([
    [[]],
    [["--declined", "--interactive"]],
    [["--answers-json", "[]", "--declined"]],
    [["--answers-json", "{}"]],
  ])("refuses %j", async (argv) => {
    const daemon = await asking();
    expect((await questions(daemon, ["answer", ID, ...argv])).code).toBe(2);
    expect(daemon.requests).toEqual([]);
  });
});

describe("questions cancel", () => {
  const CANCEL = `POST /v1/runs/run-1/questions/${ID}/cancel`;

  it("cancels in the run that asks", async () => {
    const daemon = await asking();
    daemon.on(CANCEL, json(runView({ status: "cancelled" })));
    const { code } = await questions(daemon, ["cancel", "--request-id", ID, "--justification", "late"]);
    expect(code).toBe(0);
    expect(daemon.requests.at(-1)?.body).toEqual({ justification: "late" });
  });

  it("needs the run for a repeatable cancellation", async () => {
    const daemon = await asking();
    expect((await questions(daemon, ["cancel", ID, "--idempotency-key", "k"])).code).toBe(2);
    expect(daemon.requests).toEqual([]);
  });
});
