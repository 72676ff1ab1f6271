import { RuntimeSetting } from "@kheish/contract";
import { type Command, Option } from "commander";
import type { Cli } from "../../cli.ts";
import { addChangeFlags, type ChangeFlags, changeOf } from "../../flags/change.ts";
import { wholeNumber } from "../../flags/numbers.ts";
import { diffText, revisionList } from "../../views/revisions.ts";
import { runtimeDetail } from "../../views/runtime.ts";

interface RollbackFlags extends ChangeFlags {
  targetRevision?: number;
  setting?: RuntimeSetting;
  skipHooks?: boolean;
}

export function defineHistory(runtime: Command, cli: Cli): void {
  runtime
    .command("revisions")
    .description("The settings now and before, newest first")
    .action(async () => {
      const client = await cli.client();
      cli.output.print(await client.call("listRuntimeRevisions"), revisionList);
    });

  runtime
    .command("diff <revision>")
    .description("What a revision changed")
    .option(
      "--against <n>",
      "compare with this one, not with the one before; 0 = the defaults",
      wholeNumber(0),
    )
    .action(async (revision: string, { against }: { against?: number }) => {
      const client = await cli.client();
      const query = against === undefined ? {} : { against: String(against) };
      cli.output.print(await client.call("diffRuntimeRevision", { params: { revision }, query }), diffText);
    });

  const rollback = runtime
    .command("rollback")
    .description("Take back the last change, as a new revision")
    .option("--target-revision <n>", "go back to this one", wholeNumber(0))
    .addOption(new Option("--setting <name>", "take back this setting only").choices(RuntimeSetting.options))
    .option("--skip-hooks", "do not ask the config_change hooks");
  addChangeFlags(rollback).action(async (flags: RollbackFlags) => {
    const { targetRevision, setting, skipHooks } = flags;
    const body = {
      ...(targetRevision === undefined ? {} : { target_revision: targetRevision }),
      ...(setting === undefined ? {} : { setting }),
      ...(skipHooks ? { skip_hooks: true } : {}),
      ...changeOf(flags),
    };
    const client = await cli.client();
    cli.output.print(await client.call("rollbackRuntime", { body }), runtimeDetail);
  });
}
