import { type Command, Option } from "commander";
import type { Environment } from "../context.ts";
import { UsageError } from "../errors.ts";
import { repeated } from "./numbers.ts";

/** One thing that a flag or, behind it, an environment variable sets. */
export interface Setting {
  readonly flag: string;
  readonly env: string;
  readonly help: string;
  readonly repeatable?: boolean;
  readonly hidden?: boolean;
}

export type FlagValues = Readonly<Record<string, string | string[] | boolean | undefined>>;

export function addSettings(command: Command, settings: Readonly<Record<string, Setting>>): Command {
  for (const { flag, env, help, repeatable, hidden } of Object.values(settings)) {
    const option = new Option(flag, `${help} (env: ${env})`).hideHelp(hidden ?? false);
    command.addOption(repeatable ? option.argParser(repeated) : option);
  }
  return command;
}

/** Reads settings from flags and environment; a bad value is refused by the name it was given under. */
export class SettingReader<Name extends string> {
  readonly #settings: Readonly<Record<Name, Setting>>;
  readonly #flags: FlagValues;
  readonly #env: Environment;

  constructor(settings: Readonly<Record<Name, Setting>>, flags: FlagValues, env: Environment) {
    this.#settings = settings;
    this.#flags = flags;
    this.#env = env;
  }

  text(name: Name): string | undefined {
    const flag = this.#flag(name);
    return typeof flag === "string" ? flag : this.#variable(name);
  }

  /** A repeatable flag, or a comma list in the environment. */
  list(name: Name): string[] {
    const flag = this.#flag(name);
    if (Array.isArray(flag)) return flag;
    const items = (this.#variable(name) ?? "").split(",").map((item) => item.trim());
    return items.filter((item) => item !== "");
  }

  /** Whether a flag without value was given; `--no-x` is one as well. */
  enabled(name: Name): boolean {
    if (this.onCommandLine(name)) return true;
    const value = this.#variable(name)?.toLowerCase();
    if (value === undefined || ["0", "false", "no", "off"].includes(value)) return false;
    if (["1", "true", "yes", "on"].includes(value)) return true;
    throw this.refusal(name, "must be true or false");
  }

  wholeNumber(name: Name): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
    throw this.refusal(name, "must be a whole number");
  }

  choice<T extends string>(name: Name, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    const chosen = choices.find((choice) => choice === text);
    if (text === undefined || chosen !== undefined) return chosen;
    throw this.refusal(name, `must be one of ${choices.join(", ")}`);
  }

  /** Says who gave the value, never the value: it may be a secret. */
  refusal(name: Name, complaint: string): UsageError {
    return new UsageError(`${this.#source(name)} ${complaint}`);
  }

  /** Whether a setting stands on the command line, where it wins over any variable. */
  onCommandLine(name: Name): boolean {
    return this.#flag(name) !== undefined;
  }

  #source(name: Name): string {
    const { flag, env } = this.#settings[name];
    return this.onCommandLine(name) ? (flag.split(" ")[0] ?? flag) : env;
  }

  #flag(name: Name): FlagValues[string] {
    const value = this.#flags[name];
    // Commander gives every --no- flag the value true until somebody says it.
    return value === true && this.#settings[name].flag.startsWith("--no-") ? undefined : value;
  }

  #variable(name: Name): string | undefined {
    return this.#env[this.#settings[name].env] || undefined;
  }
}
