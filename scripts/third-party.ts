import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The notices of the packages that the modules of a bundle come from: who asks for one is named with it. */
export function noticesOf(modules: readonly string[]): string {
  const folders = [...new Set(modules.flatMap((id) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id) ?? []))];
  return folders
    .map(noticeOf)
    .sort()
    .join(`\n${"-".repeat(80)}\n\n`);
}

function noticeOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    name: string;
    version: string;
    license?: string;
  };
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file));
  const texts = files.map((file) => readFileSync(join(folder, file), "utf8").trim());
  if (license === undefined && texts.length === 0)
    throw new Error(`${name} does not say under which license it is`);
  return `${[`${name} ${version} (${license ?? "see below"})`, ...texts].join("\n\n")}\n`;
}
