import { isDeepStrictEqual } from "node:util";
import type { Json, RuntimeRevisionDiff, RuntimeSetting } from "@kheish/contract";
import { pointer } from "../../field-errors.ts";
import { redactedHooks } from "./redact-hooks.ts";
import { DEFAULT_LEARNING_POLICY, FIELD_OF, type Snapshot } from "./revision.ts";

type Change = RuntimeRevisionDiff["changes"][number];

const SETTINGS = Object.keys(FIELD_OF) as RuntimeSetting[];

/** What differs between two snapshots, leaf by leaf. That a redacted part changed is said, not what it holds (02-R17). */
export function changesBetween(before: Snapshot, after: Snapshot): Change[] {
  const shown = [before, after].map((one) => ({ ...one, hooks: redactedHooks(one.hooks) }));
  return SETTINGS.flatMap((setting) =>
    differences([], settingIn(before, setting), settingIn(after, setting)).map((path) => ({
      setting,
      path: pointer(path),
      ...present("before", at(settingIn(shown[0] ?? before, setting), path)),
      ...present("after", at(settingIn(shown[1] ?? after, setting), path)),
    })),
  );
}

/** Whether a setting is the same in both. */
export function sameSetting(one: Snapshot, other: Snapshot, setting: RuntimeSetting): boolean {
  return isDeepStrictEqual(settingIn(one, setting), settingIn(other, setting));
}

function settingIn(snapshot: Snapshot, setting: RuntimeSetting): Json | undefined {
  const value =
    snapshot[FIELD_OF[setting]] ?? (setting === "learning_policy" ? DEFAULT_LEARNING_POLICY : undefined);
  return value as Json | undefined;
}

/** Where the values differ; two lists of different lengths differ as a whole. */
function differences(path: string[], before: Json | undefined, after: Json | undefined): string[][] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isTree(before) || !isTree(after) || lengthOf(before) !== lengthOf(after)) return [path];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => differences([...path, name], at(before, [name]), at(after, [name])));
}

function isTree(value: Json | undefined): value is Json[] | { [key: string]: Json } {
  return typeof value === "object" && value !== null;
}

function lengthOf(value: object): number | undefined {
  return Array.isArray(value) ? value.length : undefined;
}

function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>(
    (inner, name) => (isTree(inner) ? (inner as { [key: string]: Json })[name] : undefined),
    value,
  );
}

function present<N extends string>(name: N, value: Json | undefined): { [K in N]?: Json } {
  return (value === undefined ? {} : { [name]: value }) as { [K in N]?: Json };
}
