import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { kheish } from "../../src/surface/cli/testing/run-cli.ts";
import { ServedDaemon } from "../support/served.ts";

let daemon: ServedDaemon;
const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
beforeAll(async () => {
  daemon = await ServedDaemon.start({ store: "sqlite", logLevel: "info" });
});
afterAll(async () => {
  await daemon.remove();
  written.mockRestore();
});

const logs = (flags: string[], columns?: number) =>
  kheish(["--base-url", daemon.baseUrl, "logs", ...flags], columns === undefined ? {} : { columns });

test("logs are read as lines by people, as JSON by programs, filtered by the daemon", async () => {
  const seen = await logs(["--text", "kheish is ready", "--level", "info"], 200);
  expect(seen.stdout).toMatch(/^.*info kheish is ready .*console=http:\/\/127\.0\.0\.1:\d+\/.*\n$/);
  const { stdout } = await logs(["--limit", "1"]);
  expect(JSON.parse(stdout)).toMatchObject([{ level: "info", target: "kheish" }]);
  expect(JSON.parse((await logs(["--target", "nobody"])).stdout)).toEqual([]);
  expect(await logs(["--level", "loud"])).toMatchObject({ code: 2 });
});
