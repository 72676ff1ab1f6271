import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { defineCancel } from "./cancel.ts";
import { defineDebug, defineDebugArtifact } from "./debug.ts";
import { defineEvents } from "./events.ts";
import { defineExternalActions } from "./external-actions.ts";
import { defineGet } from "./get.ts";
import { defineList } from "./list.ts";
import { definePrune } from "./prune.ts";
import { defineStream } from "./stream.ts";
import { defineWait } from "./wait.ts";
import { defineWatch } from "./watch.ts";

export function define(runs: Command, cli: Cli): void {
  defineList(runs, cli);
  defineGet(runs, cli);
  defineWatch(runs, cli);
  defineWait(runs, cli);
  defineEvents(runs, cli);
  defineStream(runs, cli);
  defineCancel(runs, cli);
  defineDebug(runs, cli);
  defineDebugArtifact(runs, cli);
  definePrune(runs, cli);
  defineExternalActions(runs, cli);
}
