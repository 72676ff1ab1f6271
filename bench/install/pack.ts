import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Packs the built packages into `folder`, as publishing would; answers the tarballs, contract first. */
export function pack(folder: string): string[] {
  return ["contract", "daemon"].map((name) => {
    const output = npm(join(ROOT, "dist", name), "pack", "--json", "--pack-destination", folder);
    const [packed] = JSON.parse(output) as { filename: string }[];
    if (packed === undefined) throw new Error(`npm pack made nothing of ${name}`);
    return join(folder, packed.filename);
  });
}

function npm(folder: string, ...args: string[]): string {
  const done = spawnSync("npm", args, { cwd: folder, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`npm ${args.join(" ")}: ${done.stderr}${done.stdout}`.slice(0, 600));
  return done.stdout;
}
