import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DaemonStatusView } from "@kheish/contract";
import { expect, test } from "vitest";
import { cli, daemonOn, get, place, post, scratch, submit } from "../support/operator.ts";

const readiness = async (daemon: { baseUrl: string }) => {
  const answer = await fetch(`${daemon.baseUrl}/readyz`);
  return answer.ok ? "ready" : ((await answer.json()) as { code: string }).code;
};

test("K1 a state root that is moved away under its daemon: nothing is accepted, probes and status say so, and back in its place all goes on", async () => {
  const at = await place(await scratch());
  const daemon = await daemonOn(at);
  await submit(daemon, "s", [{ text: "before" }]);
  const elsewhere = join(at.directory, "elsewhere");
  await rename(at.stateRoot, elsewhere);

  const refused = await post<{ code: string }>(daemon, "/v1/sessions/s/runs", { content: "lost?" });
  expect(refused.code).toBe("store_unavailable");
  expect(await readiness(daemon)).toBe("state_root_lost");
  const status = await get<DaemonStatusView>(daemon, "/v1/status");
  expect(status).toMatchObject({ ready: false, health: { ok: false } });
  expect(status.storage?.state_root_lock?.held).toBe(false);
  expect(status.health?.warnings.map(({ code }) => code)).toContain("state_root_lost");
  expect((await cli(daemon, "doctor")).stdout).toContain("state_root_lost");

  await rename(elsewhere, at.stateRoot);
  expect(await readiness(daemon)).toBe("ready");
  const runId = await submit(daemon, "t", [{ text: "after" }]);
  await expect.poll(() => get(daemon, `/v1/runs/${runId}`)).toMatchObject({ status: "completed" });
});

test("K1 a state root that is deleted and made again under its daemon keeps nothing of what it did not acknowledge, and belongs to the next", async () => {
  const at = await place(await scratch());
  const first = await daemonOn(at);
  await submit(first, "s", [{ text: "before" }]);
  await rm(at.stateRoot, { recursive: true });
  const second = await daemonOn(at);
  await submit(second, "mine", [{ text: "here" }]);

  expect(await post(first, "/v1/sessions", { session_id: "nobody's" })).toMatchObject({
    code: "store_unavailable",
  });
  expect(await readiness(first)).toBe("state_root_lost");
  expect(await readiness(second)).toBe("ready");
  await first.stop();
  expect(await get(second, "/v1/sessions/mine")).toMatchObject({ session_id: "mine" });
  expect(await get(second, "/v1/sessions/s")).toMatchObject({ code: "session_not_found" });
  expect(await get(second, "/v1/sessions/nobody's")).toMatchObject({ code: "session_not_found" });
});
