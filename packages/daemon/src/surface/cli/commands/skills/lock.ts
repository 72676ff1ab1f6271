import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { SkillLock } from "@kheish/contract";
import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { CliError, UsageError } from "../../errors.ts";
import { cannotWrite } from "../../file-failure.ts";
import { readTextFile } from "../../flags/named-file.ts";
import { repeated } from "../../flags/numbers.ts";
import { plainFields } from "../../output/fields.ts";
import { type LockReport, lockReportText } from "../../views/skill.ts";
import { skillsInFolders, skillTools } from "./found.ts";

const LOCK_FILE = "skills.lock.json";

interface RootFlag {
  root?: string[];
}
interface LockFlags extends RootFlag {
  out: string;
  signKey?: string;
}
interface VerifyFlags extends RootFlag {
  lock: string;
  publicKey?: string[];
}

/** Pins skills to their bytes, and tells what is not as it was pinned. */
export function defineLock(skills: Command, cli: Cli): void {
  const root = ["--root <path>", "skills of this folder, without a daemon; repeatable", repeated] as const;
  skills
    .command("lock")
    .description("Write a lock file: the digest of each skill, those aside that come with the daemon")
    .option(...root)
    .option("--out <path>", "the lock file", LOCK_FILE)
    .option("--sign-key <path>", "Ed25519 private key, PEM: sign it")
    .action(async (flags: LockFlags) => {
      const { lockOf, signLock } = await skillTools();
      const pins = lockOf(await pinned(flags, cli));
      const lock: SkillLock =
        flags.signKey === undefined
          ? pins
          : await orRefused(async () => signLock(pins, await readTextFile(flags.signKey ?? "", cli.context)));
      const path = resolve(cli.context.workingDirectory, flags.out);
      await writeFile(path, `${JSON.stringify(lock, undefined, 2)}\n`).catch((error: unknown) => {
        throw new CliError(cannotWrite(flags.out, error));
      });
      const signed_by = (lock.signatures ?? []).map(({ key_id }) => key_id);
      cli.output.print({ lock: flags.out, skills: pins.skills.length, signed_by }, plainFields);
    });
  skills
    .command("verify")
    .description("Compare skills with a lock file; exit code 1 when they are not as it says")
    .option(...root)
    .option("--lock <path>", "the lock file", LOCK_FILE)
    .option("--public-key <path>", "one of these keys has to have signed it; repeatable", repeated)
    .action(async (flags: VerifyFlags) => {
      const report = await verified(flags, cli);
      cli.output.print(report, lockReportText);
      if (!report.ok) throw new CliError(`the skills are not as '${flags.lock}' says`);
    });
}

async function verified(flags: VerifyFlags, cli: Cli): Promise<LockReport> {
  const { readLock } = await skillTools();
  const text = await readTextFile(flags.lock, cli.context);
  const keys = await Promise.all((flags.publicKey ?? []).map((path) => readTextFile(path, cli.context)));
  const { lock, signedBy } = await orRefused(async () => readLock(text, keys));
  const there = new Map((await pinned(flags, cli)).map(({ name, digest }) => [name, digest]));
  const pins = new Map(lock.skills.map(({ name, digest }) => [name, digest]));
  const missing = [...pins.keys()].filter((name) => !there.has(name));
  const changed = [...pins].filter(([name, digest]) => there.has(name) && there.get(name) !== digest);
  const unlocked = [...there.keys()].filter((name) => !pins.has(name));
  return {
    ok: missing.length + changed.length + unlocked.length === 0,
    lock: flags.lock,
    signed_by: signedBy,
    checked: pins.size,
    changed: changed.map(([name]) => name),
    missing,
    unlocked,
  };
}

/** What comes with the daemon is pinned by the daemon's own version. */
async function pinned({ root }: RootFlag, cli: Cli): Promise<{ name: string; digest: string }[]> {
  if (root !== undefined) return skillsInFolders(root, cli.context);
  const client = await cli.client();
  return (await client.call("listSkills")).filter(({ scope }) => scope !== "built_in");
}

async function orRefused<T>(read: () => Promise<T>): Promise<T> {
  const { SkillLockError } = await skillTools();
  try {
    return await read();
  } catch (error) {
    if (error instanceof SkillLockError) throw new UsageError(error.message);
    throw error;
  }
}
