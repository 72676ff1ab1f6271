import { spawnSync } from "node:child_process";
import { npmInstall } from "../peers/install.ts";
import { atMost, type BenchOptions, type Line } from "../support/bench.ts";
import { temporaryFolder } from "../support/cleanup.ts";
import { round } from "../support/measure.ts";
import { type Footprint, footprint } from "./footprint.ts";
import { pack } from "./pack.ts";

const PEERS = ["opencode-ai@1.18.33", "openclaw@2026.9.6"];

/**
 * What an installation into an empty folder leaves there: of the packages as they would be published, and of the
 * peers'. Install scripts are not run, on any side; what would have run is counted. Sizes do not vary, so once is enough.
 */
export async function* run({ peers }: BenchOptions): AsyncGenerator<Line> {
  const packed = temporaryFolder("packed");
  const ours = installed(...pack(packed.path));
  packed.remove();
  const others: (Footprint & { side: string })[] = [];
  for (const name of peers ? PEERS : []) {
    try {
      const other = { side: name, ...installed(name) };
      others.push(other);
      yield other;
    } catch (error) {
      yield { side: name, unavailable: error instanceof Error ? error.message : String(error) };
    }
  }
  const aims = [atMost("MB", 60, ours.mb), atMost("native build steps", 0, ours.native_builds)];
  const ratio = Object.fromEntries(others.map((other) => [other.side, round(ours.mb / other.mb)]));
  yield { side: "kheish", ...ours, ratio, aims };
}

function installed(...packages: string[]): Footprint {
  const folder = temporaryFolder("install");
  const begun = performance.now();
  spawnSync("npm", ["init", "-y"], { cwd: folder.path });
  npmInstall(folder.path, ...packages);
  const seconds = (performance.now() - begun) / 1000;
  const measured = { ...footprint(folder.path), install_seconds: round(seconds) };
  folder.remove();
  return measured;
}
