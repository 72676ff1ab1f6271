import { registerHooks } from "node:module";
import type { Mutant } from "./mutant.ts";

/** The source with its fault; throws when the place is not there exactly once. */
export function mutate(source: string, { name, file, find, replace }: Mutant): string {
  const places = source.split(find).length - 1;
  if (places !== 1) throw new Error(`the fault '${name}' fits ${places} places of ${file}, not one`);
  return source.replace(find, () => replace);
}

/** From here on this process loads the daemon with the fault in it. To be called before any of it is imported. */
export function plant(mutant: Mutant): void {
  const ending = `/packages/daemon/src/${mutant.file}`;
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!new URL(url).pathname.endsWith(ending)) return loaded;
      return { ...loaded, source: mutate(String(loaded.source), mutant) };
    },
  });
}
