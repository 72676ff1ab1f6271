import { createHash } from "node:crypto";
import type { Dirent } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { SKILL_LIMITS, type SkillFile, type SkillScope } from "@kheish/contract";
import { READ_FLAGS } from "../workspace/open.ts";
import { skillDigest } from "./digest.ts";
import { type Parsed, parseSkill, RUNTIME_FILE, SKILL_FILE } from "./parse.ts";
import { type Skill, SkillChanged } from "./skill.ts";

/** 03-R70. */
const MAX_DEPTH = 6;
const MAX_DIRECTORIES = 2_000;

export interface Root {
  /** Real, absolute. */
  path: string;
  scope: SkillScope;
}

/**
 * The skills below a root, in breadth (03-R70): a folder with a SKILL.md is one, whatever lies below it is its own. Names
 * with a dot in front and links are passed by. A skill that cannot be used is a word to `warn`.
 */
export async function skillsIn(root: Root, warn: (message: string) => void): Promise<Skill[]> {
  const found: Skill[] = [];
  let level: string[] = [""];
  let seen = 0;
  for (let depth = 0; depth <= MAX_DEPTH && level.length > 0; depth++) {
    const below: string[] = [];
    for (const path of level) {
      seen += 1;
      if (seen > MAX_DIRECTORIES) {
        warn(`${root.path} has more than ${MAX_DIRECTORIES} folders: the rest of them is not looked at`);
        return found;
      }
      const entries = await entriesOf(join(root.path, path), warn);
      if (entries.some((entry) => entry.name === SKILL_FILE)) {
        const skill = await skillAt(root, path);
        if (skill.ok) found.push(skill.value);
        else warn(`${join(root.path, path)} is left out: ${skill.error}`);
        continue;
      }
      for (const entry of entries)
        if (entry.isDirectory() && !entry.name.startsWith(".")) below.push(join(path, entry.name));
    }
    level = below;
  }
  return found;
}

async function entriesOf(path: string, warn: (message: string) => void): Promise<Dirent[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    warn(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
    return [];
  }
}

/** The skill in one folder; `path` is relative to its root. */
async function skillAt(root: Root, path: string): Promise<Parsed<Skill>> {
  const folder = join(root.path, path);
  try {
    const { files, texts } = await filesOf(folder);
    const text = texts.get(SKILL_FILE);
    if (text === undefined) return { ok: false, error: `${SKILL_FILE} is no regular file` };
    const name = (path === "" ? root.path.split("/").at(-1) : path.split("/").join(":")) ?? "";
    const parsed = parseSkill(text, name, texts.get(RUNTIME_FILE));
    if (!parsed.ok) return parsed;
    return {
      ok: true,
      value: {
        ...parsed.value,
        skill_path: folder,
        skill_root: root.path,
        scope: root.scope,
        digest: skillDigest(files),
        files,
        read: async (wanted) => {
          const known = files.find((file) => file.path === wanted);
          const bytes = known && (await readFileAt(folder, wanted).catch(() => undefined));
          if (bytes === undefined || sha256(bytes) !== known?.sha256)
            throw new SkillChanged(parsed.value.name, wanted);
          return bytes;
        },
      },
    };
  } catch (error) {
    if (error instanceof TooMuch) return { ok: false, error: error.message };
    return {
      ok: false,
      error: `it cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
    };
  }
}

class TooMuch extends Error {}

/** Every regular file of a folder, and the texts of the two that describe the skill. Links lead anywhere, so none is followed. */
async function filesOf(folder: string): Promise<{ files: SkillFile[]; texts: Map<string, string> }> {
  const files: SkillFile[] = [];
  const texts = new Map<string, string>();
  let total = 0;
  const folders = [""];
  for (let at = folders.shift(); at !== undefined; at = folders.shift()) {
    for (const entry of await readdir(join(folder, at), { withFileTypes: true })) {
      const path = at === "" ? entry.name : `${at}/${entry.name}`;
      if (entry.isDirectory() && entry.name !== ".git") folders.push(path);
      if (!entry.isFile()) continue;
      total += (await lstat(join(folder, path))).size;
      if (files.length >= SKILL_LIMITS.files || folders.length > SKILL_LIMITS.files)
        throw new TooMuch(`it has more than ${SKILL_LIMITS.files} files`);
      if (total > SKILL_LIMITS.total_bytes)
        throw new TooMuch(`its files have more than ${SKILL_LIMITS.total_bytes} bytes together`);
      const bytes = await readFileAt(folder, path);
      files.push({ path, size_bytes: bytes.length, sha256: sha256(bytes) });
      if (path === SKILL_FILE || path === RUNTIME_FILE) texts.set(path, bytes.toString("utf8"));
    }
  }
  return { files: files.sort((a, b) => (a.path < b.path ? -1 : 1)), texts };
}

async function readFileAt(folder: string, path: string): Promise<Buffer> {
  const handle = await open(join(folder, path), READ_FLAGS);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new TooMuch(`${path} is no regular file`);
    if (stats.size > SKILL_LIMITS.total_bytes) throw new TooMuch(`${path} is too large`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
