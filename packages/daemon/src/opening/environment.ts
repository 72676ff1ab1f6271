import { readFile } from "node:fs/promises";
import { errnoOf } from "../kernel/errno.ts";
import { StartError } from "./start-error.ts";

export type Env = Readonly<Record<string, string | undefined>>;

export const readText = (path: string): Promise<string> => readFile(path, "utf8");

/** Undefined where there is no such file. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readText(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** A text that stands in a variable, or in the file that the other one names. */
export function textSource(env: Env, name: string) {
  return { inline: env[name], file: env[`${name}_FILE`], readFile: readText };
}

export function wholeNumber(env: Env, name: string, fallback: number): number {
  const text = env[name]?.trim();
  if (text === undefined || text === "") return fallback;
  if (!/^\d{1,15}$/.test(text)) throw new StartError(`${name} must be a whole number, not '${text}'`);
  return Number(text);
}
