import { resolve } from "node:path";
import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../errors.ts";
import { withArchiveErrors } from "./failures.ts";
import { type PlaceFlags, placeFrom, STATE_ROOT_FLAG, STORE_FLAG } from "./place.ts";
import { restoreReport, verifyReport } from "./report.ts";

interface Flags extends PlaceFlags {
  verify?: boolean;
}

export function define(restore: Command, cli: Cli): void {
  restore
    .argument("<file>", "the archive")
    .option(STATE_ROOT_FLAG, "an empty directory, or one that is not there yet (env: KHEISH_STATE_ROOT)")
    .option(STORE_FLAG, "where the store goes: sqlite in the root (default), or an empty PostgreSQL database")
    .option("--verify", "only check the archive and the audit in it; touch nothing")
    .action(async (name: string, flags: Flags) => {
      const file = resolve(cli.context.workingDirectory, name);
      const archives = await cli.context.host.loadArchives();
      if (flags.verify) {
        const root = flags.stateRoot && resolve(cli.context.workingDirectory, flags.stateRoot);
        const { manifest, audit } = await withArchiveErrors(file, () => archives.verifyRestore(file, root));
        cli.output.print({ file, ok: audit.ok, manifest: withoutEntries(manifest), audit }, verifyReport);
        if (!audit.ok) throw new CliError(`${file}: the audit in it does not verify: ${audit.findings[0]}`);
        return;
      }
      const place = placeFrom(flags, cli);
      const manifest = await withArchiveErrors(file, () => archives.restoreBackup(file, place));
      cli.output.print(
        { file, state_root: place.stateRoot, holding: true, manifest: withoutEntries(manifest) },
        restoreReport,
      );
    });
}

function withoutEntries<T extends { entries: unknown }>({ entries: _, ...rest }: T): Omit<T, "entries"> {
  return rest;
}
