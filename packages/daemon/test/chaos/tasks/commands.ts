/** How a command would end if nobody ended it: by itself, well or not; never, until a model stops it; never at all. */
export const commandKinds = ["ends", "fails", "stopped", "late"] as const;
export type CommandKind = (typeof commandKinds)[number];

/** The exit codes of those that end by themselves. */
export const EXIT_CODES: Partial<Record<CommandKind, number>> = { ends: 0, fails: 3 };
const LINES = 200;

export interface Command {
  /** Of its call, its lines in the ledger and its processes. */
  name: string;
  kind: CommandKind;
}

export function commandsOf(run: number): Command[] {
  return commandKinds.map((kind) => ({ name: `r${run}-${kind}`, kind }));
}

/**
 * Writes into the ledger when it begins and when it ends, and lines to its output in between. Every process of it that
 * lasts has the ledger and its name among its arguments.
 */
export function scriptOf({ name, kind }: Command, ledger: string): string {
  const note = (what: string) => `echo '${what} ${name}' >> '${ledger}'`;
  const code = EXIT_CODES[kind];
  if (code !== undefined) {
    const lines = `for i in $(seq ${LINES}); do echo "${name} $i"; done`;
    return `${note("began")}; ${lines}; sleep 0.2; ${note("ended")}; exit ${code}`;
  }
  // One of them does not end when it is asked to, only when it is killed.
  const deaf = kind === "late" ? "trap '' TERM; " : "";
  return `${deaf}${note("began")}; echo '${name} 1'; (exec -a '${ledger} ${name}' sleep 600) & wait`;
}

/** All that a command writes when it is let to. */
export function outputOf({ name, kind }: Command): string {
  const lines = EXIT_CODES[kind] === undefined ? 1 : LINES;
  return Array.from({ length: lines }, (_, index) => `${name} ${index + 1}\n`).join("");
}
