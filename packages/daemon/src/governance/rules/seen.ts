import type { Json, SeenInput } from "@kheish/contract";
import type { ToolCall } from "../../engine/messages.ts";
import { pathOfText, type SeenPath, seenPath } from "./paths.ts";
import { readShell } from "./shell/read.ts";
import type { Shell, ShellCommand } from "./shell/shell.ts";
import { hostOf, hostsIn, pathsIn } from "./touched.ts";

/** What a call touches, as far as its input says. */
export interface Seen {
  shell?: Shell;
  paths: SeenPath[];
  /** Undefined: some host, nobody knows which. */
  hosts: (string | undefined)[];
  /** The input says all that the tool touches; of a tool that we did not write nobody knows. */
  isWhole: boolean;
  /** Why the input cannot be read. */
  unclear?: string;
}

type Reader = (input: { [name: string]: Json }, workspaceRoot: string) => Seen;

const FILES = ["read_file", "write_file", "edit_file", "store_asset"];
const TREES = ["list_files", "glob_search", "grep_search"];

const READERS: Readonly<Record<string, Reader>> = {
  ...Object.fromEntries(
    FILES.map((name) => [name, (input, root) => files([input.path], root)] satisfies [string, Reader]),
  ),
  ...Object.fromEntries(TREES.map((name) => [name, tree] satisfies [string, Reader])),
  apply_patch: ({ hunks }, root) =>
    files(Array.isArray(hunks) ? hunks.map((hunk) => memberOf(hunk, "path")) : [undefined], root),
  bash: ({ command, workdir }, root) => {
    if (typeof command !== "string") return unreadable("the input holds no command");
    const shell = readShell(command);
    const directory = typeof workdir === "string" ? seenPath(workdir, root) : ".";
    return shellSeen(shell, root, shell.moves ? undefined : directory);
  },
  web_fetch: ({ url }) => ({
    paths: [],
    hosts: [typeof url === "string" ? hostOf(url) : undefined],
    isWhole: true,
  }),
};

/** What other tools commonly call what they touch: enough for a rule to stop a call, never enough to let it pass. */
const PATH_NAMES = ["path", "file_path", "filename", "directory", "paths", "files", "source", "destination"];
const HOST_NAMES = ["url", "uri", "host", "hostname", "endpoint"];

export function seenIn({ name, input }: ToolCall, workspaceRoot: string): Seen {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    return unreadable("the input is no object");
  }
  const reader = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
  if (reader !== undefined) return reader(input, workspaceRoot);
  const named = (names: readonly string[]) =>
    names.flatMap((member) => input[member] ?? []).filter((value) => typeof value === "string");
  return {
    paths: named(PATH_NAMES).map((path) => ({ path: seenPath(path, workspaceRoot), isTree: false })),
    hosts: named(HOST_NAMES).map(hostOf),
    isWhole: false,
  };
}

function unreadable(unclear: string): Seen {
  return { paths: [], hosts: [], isWhole: false, unclear };
}

function memberOf(value: Json, name: string): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value[name] : undefined;
}

function files(paths: readonly (Json | undefined)[], workspaceRoot: string): Seen {
  if (!paths.every((path) => typeof path === "string")) return unreadable("the input holds no path");
  return {
    paths: paths.map((path) => ({ path: seenPath(path, workspaceRoot), isTree: false })),
    hosts: [],
    isWhole: true,
  };
}

/** All that is below the directory; a pattern that leads out of it may mean anything. */
function tree({ base, pattern }: { [name: string]: Json }, workspaceRoot: string): Seen {
  const leads = typeof pattern === "string" && pattern.split("/").includes("..");
  const path = typeof base === "string" ? seenPath(base, workspaceRoot) : ".";
  return { paths: [leads ? undefined : { path, isTree: true }], hosts: [], isWhole: true };
}

/** Of the shell a rule that stops also looks at words that may be paths or addresses. */
function shellSeen(shell: Shell, workspaceRoot: string, directory: string | undefined): Seen {
  const { unclear } = shell;
  const all = [...everyCommand(shell.commands)].flatMap(({ words: [name, ...rest] }) =>
    name?.text.includes("/") === true ? [name, ...rest] : rest,
  );
  // What `sudo` runs has the same words once more.
  const words = [...new Set(all)];
  const opened = shell.redirects.map(({ text }) => pathOfText(text, workspaceRoot, directory));
  return {
    shell,
    paths: [...opened, ...words.flatMap(({ text }) => pathsIn(text, workspaceRoot, directory))],
    hosts: [...words, ...shell.redirects].flatMap(({ text }) => hostsIn(text)),
    isWhole: true,
    ...(unclear === undefined ? {} : { unclear }),
  };
}

/** The files that the shell itself opens: what a rule that allows commands has to allow besides. */
export function openedBy(shell: Shell, { paths }: Seen): SeenPath[] {
  return paths.slice(0, shell.redirects.length);
}

export function* everyCommand(commands: readonly ShellCommand[]): Generator<ShellCommand> {
  for (const command of commands) {
    yield command;
    if (command.inner !== undefined) yield* everyCommand(command.inner.commands);
  }
}

/** As operators read it in an explanation; undefined where there is nothing to see. */
export function seenView({ shell, paths, hosts, unclear }: Seen): SeenInput | undefined {
  const view: SeenInput = {
    ...(shell === undefined ? pathsView(paths) : shellView(shell)),
    ...(shell !== undefined || hosts.length === 0 ? {} : { hosts: hosts.map((host) => host ?? "?") }),
    ...(unclear === undefined ? {} : { unparsable: unclear }),
  };
  return Object.keys(view).length === 0 ? undefined : view;
}

function pathsView(paths: readonly SeenPath[]): SeenInput {
  if (paths.length === 0) return {};
  return { paths: paths.map((one) => (one === undefined ? "?" : one.isTree ? `${one.path}/**` : one.path)) };
}

function shellView({ commands, redirects }: Shell): SeenInput {
  const shown = [...everyCommand(commands)].map(({ words }) => {
    const unknown = words.flatMap(({ text }, index) =>
      text.every((part) => typeof part === "string") ? [] : [index],
    );
    return { argv: words.map((word) => word.shown), ...(unknown.length === 0 ? {} : { unknown }) };
  });
  return {
    ...(shown.length === 0 ? {} : { commands: shown }),
    ...(redirects.length === 0 ? {} : { redirects: redirects.map((word) => word.shown) }),
  };
}
