import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";

/** The files of the documentation by path, with slashes. They are small and stand in memory. */
export type DocsTree = ReadonlyMap<string, Uint8Array>;

/** Read when somebody first asks: a daemon whose documentation nobody reads spends nothing on it. */
export function docsIn(directory: string): () => Promise<DocsTree> {
  let loading: Promise<DocsTree> | undefined;
  return () => {
    loading ??= load(directory);
    return loading;
  };
}

async function load(directory: string): Promise<DocsTree> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => []);
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const files = await Promise.all(
    paths.map(
      async (path): Promise<[string, Uint8Array]> => [
        relative(directory, path).split(sep).join("/"),
        await readFile(path),
      ],
    ),
  );
  return new Map(files);
}
