import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { follow } from "../support/follow.ts";
import { cli, daemonOn, place, scratch, submit } from "../support/operator.ts";

test("a log line is one JSON object, and those about a request, a session or a run say which", async () => {
  const at = await place(await scratch());
  const daemon = await daemonOn(at, "--log-level", "debug");
  const run = await submit(daemon, "s", [{ text: "words of the session" }]);
  await follow(`${daemon.baseUrl}/v1/runs/${run}/stream?until=terminal`).last;
  await cli(daemon, "runs", "get", run);
  await cli(daemon, "sessions", "get", "s");
  await daemon.stop();
  const text = await readFile(at.log, "utf8");
  const lines = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const answered = lines.filter(({ msg }) => msg === "answered a request");
  expect(answered.every(({ request_id }) => /^req_[0-9a-f]{16}$/.test(String(request_id)))).toBe(true);
  const of = (method: string, route: string) =>
    answered.find((line) => line.method === method && line.route === route);
  expect(of("POST", "/v1/sessions")).toMatchObject({ session_id: "s", principal: "anonymous" });
  expect(of("POST", "/v1/sessions/{session_id}/runs")).toMatchObject({ session_id: "s", run_id: run });
  expect(of("GET", "/v1/runs/{run_id}")).toMatchObject({ session_id: "s", run_id: run });
  expect(of("GET", "/v1/sessions/{session_id}")).toMatchObject({ session_id: "s" });
  expect(text).not.toContain("words of the session");
});
