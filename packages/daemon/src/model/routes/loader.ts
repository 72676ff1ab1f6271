import { createHash } from "node:crypto";
import { type LoadRoutesOptions, loadRoutes } from "./inventory.ts";
import { RouteConfigError } from "./route.ts";
import type { RouteSet } from "./route-set.ts";

/** Where routes were read from. */
export type RouteSource =
  | { kind: "routes_file"; path: string; sha256: string }
  /** Flags and environment, which do not change while the process runs. */
  | { kind: "serve_args" };

export interface LoadedRoutes {
  set: RouteSet;
  source: RouteSource;
}

/** Reads a daemon's routes, at its start and whenever an operator asks for it. */
export interface RouteLoader {
  /** Rejects with `RouteConfigError`, which holds neither content nor path of the file. */
  load(): Promise<LoadedRoutes>;
  /** What the file is now; undefined when it cannot be read, or there is none. */
  digest(): Promise<string | undefined>;
}

export interface RouteLoaderOptions extends Omit<LoadRoutesOptions, "file"> {
  /** The canonical path of the routes file. */
  path?: string;
  readFile: (path: string) => Promise<string>;
  /** Adds what providers' catalogues know. */
  enrich?: (set: RouteSet) => Promise<RouteSet>;
}

export function routeLoader(options: RouteLoaderOptions): RouteLoader {
  const { path, readFile, enrich = async (set) => set, ...rest } = options;
  if (path === undefined) {
    return {
      load: async () => ({ set: await enrich(loadRoutes(rest)), source: { kind: "serve_args" } }),
      digest: async () => undefined,
    };
  }
  return {
    async load() {
      const file = await readFile(path).catch((cause: unknown) => {
        throw new RouteConfigError("The routes file cannot be read.", { cause });
      });
      const set = await enrich(loadRoutes({ ...rest, file }));
      return { set, source: { kind: "routes_file", path, sha256: sha256(file) } };
    },
    digest: () => readFile(path).then(sha256, () => undefined),
  };
}

/** A loader whose every load has to pass; `check` rejects with what keeps the routes from being used. */
export function checkedLoader(loader: RouteLoader, check: (set: RouteSet) => Promise<void>): RouteLoader {
  return {
    digest: () => loader.digest(),
    async load() {
      const loaded = await loader.load();
      await check(loaded.set);
      return loaded;
    },
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
