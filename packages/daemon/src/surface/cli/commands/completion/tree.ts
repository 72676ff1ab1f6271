import type { Command, Option } from "commander";

/** The command tree in the flat shape that shell functions can carry. */
export interface CompletionTree {
  readonly places: readonly Place[];
  /** The values of options with a fixed choice; an option means the same wherever it occurs. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/** One place of the command line, and what may follow there. */
export interface Place {
  /** Every spelling of the commands that lead here; the root's is empty. */
  readonly paths: readonly string[];
  readonly words: readonly Word[];
}

export interface Word {
  readonly text: string;
  readonly help: string;
}

export function completionTree(root: Command): CompletionTree {
  const values = new Map<string, readonly string[]>();
  const places = placesFrom(root, [""], visible(root), values);
  return { places, values };
}

function placesFrom(
  command: Command,
  paths: readonly string[],
  global: readonly Option[],
  values: Map<string, readonly string[]>,
): Place[] {
  const options = [...new Set([...visible(command), ...global])];
  for (const option of options) {
    if (option.argChoices !== undefined) values.set(optionName(option), option.argChoices);
  }
  const words = [
    ...command.commands.map((child) => ({ text: child.name(), help: child.description() })),
    ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices.map(plainWord)),
    ...options.map((option) => ({ text: optionName(option), help: option.description })),
    { text: "--help", help: "show the usage" },
  ];
  const below = command.commands.flatMap((child) => {
    const names = [child.name(), ...child.aliases()];
    const childPaths = paths.flatMap((path) => names.map((name) => `${path} ${name}`.trim()));
    return placesFrom(child, childPaths, global, values);
  });
  return [{ paths, words }, ...below];
}

function visible(command: Command): Option[] {
  return command.options.filter(({ hidden }) => !hidden);
}

function plainWord(text: string): Word {
  return { text, help: "" };
}

function optionName(option: Option): string {
  return option.long ?? option.flags;
}
