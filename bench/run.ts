// `npm run bench -- NAME`: each benchmark is a folder with an index.ts that exports `run`; `all` is every one of them.
import { readdirSync } from "node:fs";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Bench, BenchOptions, Line } from "./support/bench.ts";
import { fsyncMs, round } from "./support/measure.ts";
import { build } from "./support/published.ts";
import { keepResults } from "./support/results.ts";
import { printTable } from "./support/table.ts";

/** In the order in which they are told; folders that are no benchmark are not listed. */
const NAMES = [
  "durable-steps",
  "accept",
  "approvals",
  "parked",
  "growth",
  "idle",
  "sse",
  "lists",
  "audit",
  "cli",
  "console",
  "install",
];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    "no-peers": { type: "boolean", default: false },
  },
});
const [name] = positionals;
const present = readdirSync(fileURLToPath(new URL(".", import.meta.url)));
const known = NAMES.filter((one) => present.includes(one));
if (name === undefined || (name !== "all" && !known.includes(name))) {
  console.error(
    `usage: npm run bench -- NAME [--json] [--quick] [--no-peers]; NAME is one of: ${known.join(", ")}, all`,
  );
  process.exit(2);
}

build();
const options: BenchOptions = { quick: values.quick, peers: !values["no-peers"] };
const lines: Line[] = [];
for (const bench of name === "all" ? known : [name]) {
  for await (const line of play(bench)) {
    lines.push(line);
    console.log(JSON.stringify(line));
  }
}
if (!values.json) printTable(lines);
if (name === "all" && options.peers && !options.quick) keepResults(lines);
process.exit(0);

async function* play(bench: string): AsyncGenerator<Line> {
  const { run } = (await import(`./${bench}/index.ts`)) as { run: Bench };
  try {
    for await (const { side, ...line } of run(options)) {
      yield {
        bench,
        side,
        ...line,
        fsync_ms: fsyncMs(),
        load: round(loadavg()[0] ?? 0),
        node: process.version,
      };
    }
  } catch (error) {
    if (name !== "all") throw error;
    yield { bench, side: "kheish", unavailable: error instanceof Error ? error.message : String(error) };
  }
}
