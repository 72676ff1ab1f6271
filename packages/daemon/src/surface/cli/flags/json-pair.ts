import type { Json } from "@kheish/contract";
import { type Command, Option } from "commander";
import type { ZodType, z } from "zod";
import type { CliContext } from "../context.ts";
import { messageOf, UsageError } from "../errors.ts";
import { readTextFile } from "./named-file.ts";

/** Where a JSON value came from: the command line or a file. */
export interface JsonSource {
  readonly json: string | undefined;
  readonly file: string | undefined;
}

/** `--<name>-json` and `--<name>-file`, of which one may be given. */
export function addJsonPair(command: Command, name: string, what: string): Command {
  const inline = new Option(`--${name}-json <json>`, `${what}, as JSON`);
  const file = new Option(`--${name}-file <path>`, `${what}, from a JSON file`);
  return command.addOption(inline.conflicts(file.attributeName())).addOption(file);
}

/** The value of a pair in the schema's shape; undefined when neither flag was given. */
export async function readJsonPair<S extends ZodType>(
  source: JsonSource,
  schema: S,
  what: string,
  context: CliContext,
): Promise<z.output<S> | undefined> {
  const text = source.json ?? (source.file && (await readTextFile(source.file, context)));
  if (text === undefined) return undefined;
  const checked = schema.safeParse(parse(text, what));
  if (checked.success) return checked.data;
  throw new UsageError(
    `the ${what} does not have the expected shape`,
    checked.error.issues.map(({ path, message }) => `/${path.join("/")}: ${message}`),
  );
}

function parse(text: string, what: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new UsageError(`what is given as the ${what} is not JSON: ${messageOf(error)}`);
  }
}
