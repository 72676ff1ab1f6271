import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { present } from "../../present.ts";
import { activeSkillDetail, libraryText, skillDetail, skillTable } from "../../views/skill.ts";
import { defineChanges } from "./change.ts";
import { defineLock } from "./lock.ts";

interface ListFlags {
  query?: string;
  sessionId?: string;
  limit?: string;
}
interface ActivateFlags {
  args?: string;
  reason?: string;
}

export function define(skills: Command, cli: Cli): void {
  skills
    .command("list")
    .description("The daemon's skills, or those that a session has")
    .option("--query <words>", "that have these words in name, description or use")
    .option("--session-id <id>", "within the capability scope of this session")
    .action((flags: ListFlags) => listSkills(cli, flags));
  skills
    .command("get <name>")
    .alias("show")
    .description("One skill with its instructions")
    .action(async (skill_name: string) => {
      const client = await cli.client();
      cli.output.print(await client.call("getSkill", { params: { skill_name } }), skillDetail);
    });
  skills
    .command("roots")
    .description("Where skills come from, and what could not be used")
    .action(async () => {
      const client = await cli.client();
      cli.output.print(await client.call("getSkillLibrary"), libraryText);
    });
  defineChanges(skills, cli);
  defineActivation(skills, cli);
  defineLock(skills, cli);
}

export async function listSkills(cli: Cli, { query, sessionId, limit }: ListFlags): Promise<void> {
  const client = await cli.client();
  if (sessionId === undefined) {
    cli.output.print(await client.call("listSkills", { query: present({ query }) }), skillTable);
    return;
  }
  const session = { params: { session_id: sessionId }, query: present({ query, limit }) };
  cli.output.print(await client.call("listSessionSkills", session), skillTable);
}

function defineActivation(skills: Command, cli: Cli): void {
  skills
    .command("activate <session_id> <name>")
    .description("Make a skill active in a session; only while it is idle")
    .option("--args <text>", "what it is to work on: data, never instructions")
    .option("--reason <text>", "why, for the audit")
    .action(async (session_id: string, skill_name: string, { args, reason }: ActivateFlags) => {
      const client = await cli.client();
      const call = { params: { session_id, skill_name }, body: present({ args, reason }) };
      cli.output.print(await client.call("activateSkill", call), activeSkillDetail);
    });
  skills
    .command("deactivate <session_id> <name>")
    .description("End a skill in a session; only while it is idle")
    .action(async (session_id: string, skill_name: string) => {
      const client = await cli.client();
      const call = { params: { session_id, skill_name } };
      cli.output.print(await client.call("deactivateSkill", call), activeSkillDetail);
    });
}
