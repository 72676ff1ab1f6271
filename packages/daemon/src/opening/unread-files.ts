import { existsSync } from "node:fs";
import { join } from "node:path";

/** What the earlier product kept in files and this one keeps in its store (02-A5), and how to set it again. */
const UNREAD = {
  "runtime-config.json":
    "the permission mode, hooks, prompt, limits and policies in it: 'kheish runtime --help'",
  "hooks.json": "its hooks: kheish runtime hooks set --file",
  "learning-policy.json": "the policy in it: kheish runtime learning-policy set --file",
  "routes-overlay.json": "its routes: kheish runtime routes add",
  "mcp-overlay.json": "its MCP servers: kheish mcp servers add",
};

/** Settings that lie in the state root and are not in force: nobody may think that a guard of theirs still holds. */
export function unreadFileWarnings(stateRoot: string): string[] {
  return Object.entries(UNREAD)
    .map(([name, what]) => ({ path: join(stateRoot, name), what }))
    .filter(({ path }) => existsSync(path))
    .map(({ path, what }) => `${path} is not read; set again ${what}, then move the file away`);
}
