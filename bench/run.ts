// `npm run bench -- NAME`: each benchmark is a folder with an index.ts that exports `run`, and prints one JSON line a side.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== "support")
  .map((entry) => entry.name);

const [name] = process.argv.slice(2).filter((word) => !word.startsWith("--"));
if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- NAME, one of: ${names.join(", ")}`);
  process.exit(2);
}
const { run } = (await import(`./${name}/index.ts`)) as { run: () => AsyncIterable<object> };
for await (const line of run()) console.log(JSON.stringify({ bench: name, ...line }));
