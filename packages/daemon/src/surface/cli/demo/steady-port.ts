import { once } from "node:events";
import { createServer } from "node:net";
import { type Random, systemRandom } from "../../../kernel/random.ts";

/** Below all that systems give out by themselves. */
const FIRST = 10_000;
const COUNT = 20_000;

/**
 * A free port on the loopback for a daemon that is killed and started again: whoever asks the system for any port, or
 * connects somewhere, does not get it meanwhile.
 */
export async function steadyPort(random: Random = systemRandom): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(random.unit() * COUNT);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    await once(probe.listen(port, "127.0.0.1"), "listening");
  } catch {
    return false;
  }
  await once(probe.close(), "close");
  return true;
}
