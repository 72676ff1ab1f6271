import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SHELL_LEDGER } from "../load/plan.ts";
import type { ToolServer } from "../outside/tool-server.ts";
import type { WorldView } from "./effects.ts";

/** What the tool server and the shell's ledger saw, by label. */
export async function worldViews(server: ToolServer, workspace: string): Promise<Map<string, WorldView>> {
  const views = new Map<string, WorldView>();
  const of = (label: string) => {
    const view = views.get(label) ?? { done: 0, keys: new Set<string>() };
    views.set(label, view);
    return view;
  };
  for (const { label } of server.effects) of(label).done += 1;
  for (const { label, key } of server.demands) of(label).keys.add(key);
  const shell = await readFile(join(workspace, SHELL_LEDGER), "utf8").catch(() => "");
  for (const label of shell.split("\n")) if (label !== "") of(label).done += 1;
  return views;
}
