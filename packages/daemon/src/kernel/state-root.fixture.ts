/** A process that holds a state root until it is killed; it tells on its output how that went. */
import { systemRandom } from "./random.ts";
import { openStateRoot } from "./state-root.ts";
import { StoreError } from "./store.ts";

const [path = ""] = process.argv.slice(2);
try {
  const root = await openStateRoot(path, systemRandom);
  process.stdout.write(`held ${root.instanceId}\n`);
  process.stdin.resume();
} catch (error) {
  if (!(error instanceof StoreError)) throw error;
  process.stdout.write(`${error.code} ${error.message}\n`);
}
