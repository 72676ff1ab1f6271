import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A command of a runbook, and what the page says it prints. */
export interface Step {
  command: string;
  expected?: { stdout: string; exitCode: number };
}

interface Block {
  /** `sh`, `sh serve`, `nginx`. */
  info: string;
  text: string;
}

/** A page of docs/operations: its blocks in order. */
export function runbook(name: string): Block[] {
  const path = fileURLToPath(new URL(`../../../../../docs/operations/${name}`, import.meta.url));
  const blocks = readFileSync(path, "utf8").matchAll(/^```(\w[^\n]*)\n(.*?)^```$/gms);
  return [...blocks].map(([, info = "", text = ""]) => ({ info, text }));
}

/** The commands of a block; `# => ` behind one says what it prints, a line each, `(exit N)` how it ends when not with 0. */
export function stepsOf(text: string): Step[] {
  const steps: Step[] = [];
  for (const line of text
    .replaceAll(/ \\\n\s*/g, " ")
    .trimEnd()
    .split("\n")) {
    const last = steps.at(-1);
    if (line.startsWith("# => ") && last !== undefined) {
      const { stdout, exitCode } = expectation(line.slice("# => ".length));
      const before = last.expected === undefined ? "" : `${last.expected.stdout}\n`;
      last.expected = { stdout: `${before}${stdout}`, exitCode };
    } else if (line !== "") steps.push({ command: line });
  }
  return steps;
}

function expectation(text: string): { stdout: string; exitCode: number } {
  const [, stdout = "", exitCode = "0"] = /^(.*?) ?(?:\(exit (\d+)\))?$/.exec(text) ?? [];
  return { stdout, exitCode: Number(exitCode) };
}

export interface Ran {
  stdout: string;
  stderr: string;
  exitCode: number | null;
}

/** Runs one command of a page in bash. */
export function run(command: string, env: NodeJS.ProcessEnv): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn("bash", ["--norc", "-uc", command], { env, stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk) => (stdout += chunk));
    child.stderr.on("data", (chunk) => (stderr += chunk));
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ stdout, stderr, exitCode }));
  });
}
