import { kheish } from "./run-cli.ts";

/** Each command and group of the command line, as somebody finds them who follows the help: `["runs", "get"]`. */
export async function everyCommand(group: readonly string[] = []): Promise<string[][]> {
  const { stdout } = await kheish([...group, "--help"], { columns: 200 });
  const [, listed = ""] = stdout.split("\nCommands:\n");
  const names = [
    ...listed
      .split("\n\n", 1)
      .join("")
      .matchAll(/^ {2}([a-z][\w-]*)/gm),
  ].map(([, name = ""]) => name);
  const commands = names.filter((name) => name !== "help").map((name) => [...group, name]);
  const below = await Promise.all(commands.map((command) => everyCommand(command)));
  return commands.flatMap((command, index) => [command, ...(below[index] ?? [])]);
}
