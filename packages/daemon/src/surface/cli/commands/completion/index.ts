import { Argument, type Command } from "commander";
import type { Cli } from "../../cli.ts";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { type CompletionTree, completionTree } from "./tree.ts";
import { zshScript } from "./zsh.ts";

const scripts: Readonly<Record<string, (tree: CompletionTree) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

const EXAMPLES = `
Examples:
  bash  source <(kheish completion bash)
  zsh   source <(kheish completion zsh)
  fish  kheish completion fish | source`;

export function define(completion: Command, cli: Cli): void {
  completion
    .addArgument(new Argument("<shell>", "the shell to complete for").choices(Object.keys(scripts)))
    .addHelpText("after", EXAMPLES)
    .action(async (shell: string) => {
      const tree = completionTree(await cli.commandTree());
      cli.output.raw(scripts[shell]?.(tree) ?? "");
    });
}
