import { createHash } from "node:crypto";
import { type Json, SKILL_LIMITS, SkillName } from "@kheish/contract";
import { z } from "zod";
import type { Op, Store, StoredRecord } from "../../kernel/store.ts";
import {
  type Parsed,
  parseSkill,
  RUNTIME_FILE,
  SKILL_FILE,
  type Skill,
  skillDigest,
} from "../../tools/skills/index.ts";

const KIND = "skill";
const INDEX = "name";
const PAGE = 200;
/** The store holds every daemon's; each reads all of them. */
export const MAX_ADDED_SKILLS = 500;

/** Text as it is, everything else in base64: a skill as it is kept, its folder in one record. */
const StoredFile = z.union([z.strictObject({ text: z.string() }), z.strictObject({ base64: z.base64() })]);
const StoredSkill = z.object({
  name: SkillName,
  files: z.record(z.string(), StoredFile),
  added_at_ms: z.int(),
  added_by: z.string(),
});
export type StoredFile = z.infer<typeof StoredFile>;
export type StoredSkill = z.infer<typeof StoredSkill>;

/** Every skill that was added, by name; `warn` hears of one that cannot be read. */
export async function readAdded(store: Store, warn: (message: string) => void): Promise<Skill[]> {
  const skills: Skill[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await store.list(KIND, {
      index: INDEX,
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    for (const record of page) {
      const skill = skillOf(record);
      if (skill.ok) skills.push(skill.value);
      else warn(`${pathOf(record.id)} is left out: ${skill.error}`);
    }
    after = page.at(-1)?.cursor;
    if (page.length < PAGE) return skills;
  }
}

export function countAdded(store: Store): Promise<number> {
  return store.count(KIND, { index: INDEX });
}

export async function readStored(
  store: Store,
  name: string,
): Promise<{ revision: number; skill: Parsed<Skill>; files: StoredSkill["files"] } | undefined> {
  const record = await store.get(KIND, name);
  if (record === undefined) return undefined;
  const stored = StoredSkill.safeParse(record.data);
  return {
    revision: record.revision,
    skill: skillOf(record),
    files: stored.success ? stored.data.files : {},
  };
}

export function putSkill(skill: StoredSkill, expectedRevision: number): Op {
  const { name } = skill;
  const data = skill as unknown as Json;
  return { op: "put", kind: KIND, id: name, data, keys: { [INDEX]: [name] }, expectedRevision };
}

export function deleteSkill(name: string, expectedRevision: number): Op {
  return { op: "delete", kind: KIND, id: name, expectedRevision };
}

function pathOf(name: string): string {
  return `kheish://skills/${name}`;
}

function skillOf({ data, revision }: Pick<StoredRecord, "data" | "revision">): Parsed<Skill> {
  const stored = StoredSkill.safeParse(data);
  return stored.success ? loaded(stored.data, revision) : { ok: false, error: "its record cannot be read" };
}

/** The skill that a record holds: read from its files as one that stands in a folder is. */
export function loaded({ name, files, added_at_ms, added_by }: StoredSkill, revision: number): Parsed<Skill> {
  const bytes = new Map(Object.entries(files).map(([path, file]) => [path, bytesOf(file)]));
  const text = bytes.get(SKILL_FILE)?.toString("utf8");
  if (text === undefined) return { ok: false, error: `it has no ${SKILL_FILE}` };
  const parsed = parseSkill(text, name, bytes.get(RUNTIME_FILE)?.toString("utf8"));
  if (!parsed.ok) return parsed;
  const listed = [...bytes].map(([path, content]) => ({
    path,
    size_bytes: content.length,
    sha256: createHash("sha256").update(content).digest("hex"),
  }));
  const total = listed.reduce((sum, file) => sum + file.size_bytes, 0);
  if (total > SKILL_LIMITS.added_bytes)
    return { ok: false, error: `its files have more than ${SKILL_LIMITS.added_bytes} bytes together` };
  return {
    ok: true,
    value: {
      ...parsed.value,
      name,
      skill_path: pathOf(name),
      skill_root: "kheish://skills",
      scope: "runtime",
      digest: skillDigest(listed),
      files: listed.sort((a, b) => (a.path < b.path ? -1 : 1)),
      added: { revision, at_ms: added_at_ms, by: added_by },
      read: async (path) => {
        const content = bytes.get(path);
        if (content === undefined) throw new Error(`skill '${name}' has no file '${path}'`);
        return content;
      },
    },
  };
}

function bytesOf(file: StoredFile): Buffer {
  return "text" in file ? Buffer.from(file.text) : Buffer.from(file.base64, "base64");
}
