import { plant } from "./apply.ts";
import { MUTANTS } from "./catalogue.ts";

/**
 * `node hunt.ts NAME FROM SEEDS`: a process of its own that carries one fault and looks for a seed that shows it.
 * Prints one JSON line: the number of seeds it took and what they violated, or that none did.
 */
const [name = "", from = "1", seeds = "1"] = process.argv.slice(2);
const mutant = MUTANTS.find((one) => one.name === name);
if (mutant === undefined) throw new Error(`no fault '${name}'`);
plant(mutant);
const { check } = await import("../seed.ts");

let found: object | undefined;
let tried = 0;
while (found === undefined && tried < Number(seeds)) {
  const seed = Number(from) + tried;
  tried += 1;
  const { violation } = await check(seed);
  if (violation !== undefined) found = { seed, ...violation };
}
console.log(JSON.stringify({ name, tried, ...(found === undefined ? {} : { found }) }));
process.exit(0);
