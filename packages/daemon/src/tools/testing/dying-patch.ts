import { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import { applyPatchTool } from "../files/apply-patch.ts";
import { contextAt } from "./context.ts";
import { faultyDisk } from "./faulty-disk.ts";

/**
 * A program that makes a patch and is killed before its n-th change of the disk: `root`, the input, n. Exits 0 when it was not killed.
 */
const [root = "", input = "", killAt = ""] = process.argv.slice(2);
let change = 0;
await faultyDisk(() => {
  if (change++ !== Number(killAt)) return undefined;
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => {});
});
await applyPatchTool(new KeyedMutex()).execute(JSON.parse(input), contextAt(root));
