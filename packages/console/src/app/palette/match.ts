export interface Command {
  id: string;
  /** What stands before it in the list: Go to, Run, Session, Do. */
  group: string;
  name: string;
  hint?: string;
  run: () => void;
}

const MOST = 50;

/** The commands that have every word of what was typed, the best first: those that begin with it, then as they came. */
export function matching(commands: readonly Command[], typed: string): Command[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const rank = ({ group, name, hint = "" }: Command) => {
    const own = name.toLowerCase();
    const all = `${group} ${own} ${hint}`.toLowerCase();
    if (!words.every((word) => all.includes(word))) return undefined;
    return own.startsWith(words[0] ?? "") ? 0 : 1;
  };
  return commands
    .map((command) => ({ command, rank: rank(command) }))
    .filter(({ rank }) => rank !== undefined)
    .sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0))
    .slice(0, MOST)
    .map(({ command }) => command);
}
