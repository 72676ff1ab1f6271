import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { useMcp } from "./support.ts";

const serve = useMcp();
const require = createRequire(import.meta.url);

/**
 * The scenarios of the protocol's own suite that ask nothing of the server but what any server has; the others call
 * tools, prompts and resources that only a server made for the suite offers.
 */
const SCENARIOS = ["server-initialize", "ping", "tools-list", "resources-list", "dns-rebinding-protection"];

test.each(SCENARIOS)("03-A6: @modelcontextprotocol/conformance, %s", async (scenario) => {
  const control = await serve();
  const manifest = require.resolve("@modelcontextprotocol/conformance/package.json");
  const { bin } = require(manifest) as { bin: Record<string, string> };
  const program = join(dirname(manifest), Object.values(bin)[0] ?? "");
  const url = `${control.daemon.baseUrl}/mcp`;
  const child = spawn(process.execPath, [program, "server", "--url", url, "--scenario", scenario], {
    cwd: control.daemon.directory,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  const said = await text(child.stdout);
  const [code] = await ended;
  expect({ code, said }).toMatchObject({ code: 0, said: expect.stringContaining("0 failed, 0 warnings") });
});
