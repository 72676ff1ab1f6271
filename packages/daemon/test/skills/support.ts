import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach } from "vitest";
import { kheish } from "../../src/surface/cli/testing/run-cli.ts";
import { Client } from "../http/support/client.ts";
import { McpControl } from "../mcp/support.ts";
import { ServedDaemon, type ServedOptions } from "../support/served.ts";

/** The files of a skill's folder. */
export interface SkillFiles {
  front?: string;
  body?: string;
  runtime?: string;
  files?: Record<string, string | Uint8Array>;
}

/** Writes a skill into a folder, which is made. */
export async function writeSkill(folder: string, skill: SkillFiles = {}): Promise<string> {
  const { front = "description: Does the work", body = "Do the work.", runtime, files = {} } = skill;
  const all: Record<string, string | Uint8Array> = {
    "SKILL.md": `---\n${front}\n---\n${body}\n`,
    ...(runtime === undefined ? {} : { "agents/kheish.yaml": runtime }),
    ...files,
  };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

export type Options = Partial<Omit<ServedOptions, "skills">> & { skills?: Partial<ServedOptions["skills"]> };

/** A served daemon that looks for skills, and what a client makes of it. */
export class SkillControl extends McpControl<ServedDaemon> {
  readonly http: Client;

  constructor(daemon: ServedDaemon) {
    super(daemon);
    this.http = new Client(() => daemon.baseUrl);
  }

  /** Names of the skills there are, in order. */
  async names(): Promise<string[]> {
    return (await this.http.call("listSkills")).map(({ name }) => name);
  }

  skill(name: string) {
    return this.http.call("getSkill", { params: { skill_name: name } });
  }

  reload() {
    return this.http.call("reloadSkills");
  }

  addSkill(name: string, more: object = {}) {
    const body = { name, description: `Does ${name}`, instructions: "Do the work.", ...more };
    return this.http.call("addSkill", { body });
  }

  place(name: string, session = "s") {
    return { params: { session_id: session, skill_name: name } };
  }

  activate(name: string, body: { args?: string; reason?: string } = {}, session = "s") {
    return this.http.call("activateSkill", { ...this.place(name, session), body });
  }

  deactivate(name: string, session = "s") {
    return this.http.call("deactivateSkill", this.place(name, session));
  }
}

/** Folders and daemons that are gone after each test. */
export function useSkills(): {
  folder: () => Promise<string>;
  serve: (options?: Options) => Promise<SkillControl>;
} {
  const undo: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });
  return {
    folder: async () => {
      const path = await realpath(await mkdtemp(join(tmpdir(), "kheish-skills-")));
      undo.push(() => rm(path, { recursive: true, force: true }));
      return path;
    },
    serve: async ({ skills, ...options } = {}) => {
      const daemon = await ServedDaemon.start({
        store: "sqlite",
        permissionMode: "bypassPermissions",
        ...options,
        skills: { explicit: [], discover: false, lockKeyFiles: [], ...skills },
      });
      undo.push(() => daemon.remove());
      return new SkillControl(daemon);
    },
  };
}

export { kheish };
