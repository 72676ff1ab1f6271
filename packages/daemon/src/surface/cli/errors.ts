import { ExitCode } from "./exit-codes.ts";

/** A failure that knows how the process ends. `notes` are shown below the message, indented. */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  readonly notes: readonly string[];

  constructor(message: string, exitCode: ExitCode = ExitCode.failure, notes: readonly string[] = []) {
    super(message);
    this.name = "CliError";
    this.exitCode = exitCode;
    this.notes = notes;
  }
}

/** The command line, or a file or variable it names, makes no sense. */
export class UsageError extends CliError {
  constructor(message: string, notes: readonly string[] = []) {
    super(message, ExitCode.usage, notes);
    this.name = "UsageError";
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What standard error shows of a failure, and the exit code it means. */
export function describeFailure(error: unknown): { text: string; exitCode: ExitCode } {
  const notes = error instanceof CliError ? error.notes : [];
  const text = [`Error: ${messageOf(error)}`, ...notes.map((note) => `  ${note}`)].join("\n");
  return { text: `${text}\n`, exitCode: error instanceof CliError ? error.exitCode : ExitCode.failure };
}
