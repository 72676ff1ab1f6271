import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { daemonOn, get, place, scratch, submit } from "../support/operator.ts";

test("02-R97 a replacement that is started while its predecessor drains waits for the root, and serves", async () => {
  const at = await place(await scratch());
  const daemon = await daemonOn(at);
  const stubborn = "trap '' TERM; echo begun > begun; while true; do sleep 1; done";
  const run = await submit(daemon, "s", [{ tool_calls: [{ name: "bash", input: { command: stubborn } }] }]);
  while (!existsSync(join(at.workspace, "begun"))) await new Promise((resolve) => setImmediate(resolve));
  const [replacement] = await Promise.all([daemonOn(at), daemon.stop()]);
  expect(replacement.pid).not.toBe(daemon.pid);
  expect(await get(replacement, `/v1/runs/${run}`)).toMatchObject({ run_id: run });
});
