import type { Command } from "commander";
import type { Cli } from "../cli.ts";

/** What every command module offers: it fills in the command that carries its name. */
export interface CommandModule {
  define(command: Command, cli: Cli): void;
}

export interface CommandGroup {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** The top level of the command line, in the order that `--help` shows. */
export const groups: readonly CommandGroup[] = [
  {
    name: "up",
    aliases: [],
    summary: "Run the daemon and open its console",
    load: () => import("./up.ts"),
  },
  {
    name: "serve",
    aliases: ["start"],
    summary: "Run the daemon",
    load: () => import("./serve.ts"),
  },
  {
    name: "demo",
    aliases: [],
    summary: "See a durable run, without an API key",
    load: () => import("./demo.ts"),
  },
  {
    name: "sessions",
    aliases: ["session"],
    summary: "Durable conversations, and the work submitted to them",
    load: () => import("./sessions/index.ts"),
  },
  {
    name: "runs",
    aliases: ["run"],
    summary: "Executions inside sessions",
    load: () => import("./runs/index.ts"),
  },
  {
    name: "approvals",
    aliases: ["approval"],
    summary: "Tool calls that wait for a decision",
    load: () => import("./approvals/index.ts"),
  },
  {
    name: "questions",
    aliases: ["question"],
    summary: "Questions that runs ask",
    load: () => import("./questions/index.ts"),
  },
  {
    name: "tasks",
    aliases: ["task"],
    summary: "Tasks of sessions, and their commands in the background",
    load: () => import("./tasks/index.ts"),
  },
  {
    name: "events",
    aliases: [],
    summary: "The daemon's event stream",
    load: () => import("./events.ts"),
  },
  {
    name: "logs",
    aliases: ["log"],
    summary: "Lines of the daemon's log",
    load: () => import("./logs.ts"),
  },
  {
    name: "status",
    aliases: [],
    summary: "Operator snapshot of the daemon",
    load: () => import("./status.ts"),
  },
  {
    name: "capabilities",
    aliases: [],
    summary: "What the daemon can do",
    load: () => import("./capabilities.ts"),
  },
  {
    name: "runtime",
    aliases: [],
    summary: "Settings of the whole daemon, and their history",
    load: () => import("./runtime/index.ts"),
  },
  {
    name: "tokens",
    aliases: ["token"],
    summary: "Named tokens: who else may use the daemon, and for what",
    load: () => import("./tokens/index.ts"),
  },
  {
    name: "secrets",
    aliases: ["secret"],
    summary: "Slots that hold credentials, encrypted",
    load: () => import("./secrets/index.ts"),
  },
  {
    name: "mcp",
    aliases: [],
    summary: "MCP servers, what they offer, and the accounts that the daemon has there",
    load: () => import("./mcp/index.ts"),
  },
  {
    name: "skills",
    aliases: ["skill"],
    summary: "Instructions for kinds of work: what there are, where they are active, how they are pinned",
    load: () => import("./skills/index.ts"),
  },
  {
    name: "budgets",
    aliases: ["budget"],
    summary: "What the daemon's work may use, and has used",
    load: () => import("./budgets.ts"),
  },
  {
    name: "audit",
    aliases: [],
    summary: "Signed records of what left the daemon: export, verify offline, keys",
    load: () => import("./audit/index.ts"),
  },
  {
    name: "doctor",
    aliases: [],
    summary: "Check the daemon and the way to it",
    load: () => import("./doctor/index.ts"),
  },
  {
    name: "backup",
    aliases: [],
    summary: "One archive of everything the daemon owns, taken while it works",
    load: () => import("./backup/backup.ts"),
  },
  {
    name: "restore",
    aliases: [],
    summary: "Check a backup, or bring it into an empty state root",
    load: () => import("./backup/restore.ts"),
  },
  {
    name: "completion",
    aliases: [],
    summary: "Completion script for a shell",
    load: () => import("./completion/index.ts"),
  },
];
