import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Stands in what nobody may get at from the workspace. */
export const CANARY = "CANARY";
export const IS_ROOT = process.getuid?.() === 0;
/** Names that are fine as such, and have broken programs. Each is a file that holds an `a`. */
export const STRANGE_NAMES = [
  "new\nline",
  "-rf",
  "--help",
  "\u001b[2J\u001b[31mred",
  "tab\tand\rreturn",
  "\u202egnp.exe",
  "\u200b",
  " before",
  "after ",
  "*",
  "?",
  "[a]",
  "{a,b}",
  "'quoted\"",
  "$(id)",
  "`id`",
  "a;id",
  "..a",
  "a..",
  "\\",
  "%2e%2e",
  "日本 😀",
  "e\u0301",
  `${"x".repeat(255)}`,
];

const GIB = 1024 ** 3;

/** A directory that holds a workspace full of traps, and what they lead to beside it. */
export class HostileScene {
  readonly outside: string;
  readonly root: string;
  #socket: Server | undefined;

  private constructor(outside: string) {
    this.outside = outside;
    this.root = join(outside, "ws");
  }

  static async build(): Promise<HostileScene> {
    const scene = new HostileScene(realpathSync(mkdtempSync(join(tmpdir(), "kheish-hostile-"))));
    scene.#fill();
    scene.#socket = createServer().listen(scene.#at("socket"));
    await new Promise((resolve) => scene.#socket?.once("listening", resolve));
    return scene;
  }

  #at(path: string): string {
    return join(this.root, path);
  }

  #fill(): void {
    const { outside, root } = this;
    for (const directory of [root, `${root}-evil`, join(outside, "other")]) mkdirSync(directory);
    for (const secret of [join(outside, "secret"), `${root}-evil/secret`, join(outside, "other", "secret")]) {
      writeFileSync(secret, `${CANARY} a`);
    }
    writeFileSync(join(outside, "linked"), "linked a");
    linkSync(join(outside, "linked"), this.#at("hardlink"));

    mkdirSync(this.#at("dir"));
    for (const [path, text] of [
      ["a.txt", "a\n"],
      ["ok.txt", "fine\n"],
      ["dir/inner.txt", "a\n"],
    ] as const) {
      writeFileSync(this.#at(path), text);
    }
    for (const name of STRANGE_NAMES) writeFileSync(this.#at(name), "a");
    writeFileSync(
      Buffer.concat([Buffer.from(`${root}/b`), Buffer.from([0xff, 0xfe]), Buffer.from("d")]),
      "a",
    );
    writeFileSync(this.#at("binary"), Buffer.from([0x61, 0, 0xff, 0x80]));
    this.#links();
    this.#special();
    this.#sizes();
    for (const [name, mode] of [
      ["locked", 0o000],
      ["readonly", 0o444],
    ] as const) {
      writeFileSync(this.#at(name), "a");
      chmodSync(this.#at(name), mode);
    }
  }

  #links(): void {
    const { outside, root } = this;
    const links: Record<string, string> = {
      "link-file": join(outside, "secret"),
      "link-relative": "../secret",
      "link-dir": join(outside, "other"),
      "link-chain": "link-chain-2",
      "link-chain-2": "dir/../link-chain-3",
      "link-chain-3": "../secret",
      "link-dangling": join(outside, "new"),
      "link-dangling-in": "nowhere",
      "link-loop": "link-loop-2",
      "link-loop-2": "link-loop",
      "link-self": "link-self",
      "link-root": "/",
      "link-proc": "/proc/self",
      "link-dev": "/dev/zero",
      "link-up": "..",
      "link-tricky": `${root}/../secret`,
      "link-sibling": `${root}-evil`,
      "link-in": "dir",
      "link-in-absolute": `${root}/dir`,
      "link-hop-0": "a.txt",
    };
    for (let hop = 1; hop <= 41; hop++) links[`link-hop-${hop}`] = `link-hop-${hop - 1}`;
    for (const [name, target] of Object.entries(links)) symlinkSync(target, this.#at(name));
  }

  #special(): void {
    execFileSync("mkfifo", [this.#at("fifo")]);
    if (!IS_ROOT) return;
    // What is not permitted (in some containers) is not there, and its attempts are told so by `has`.
    for (const [name, ...kind] of [
      ["device-null", "c", "1", "3"],
      ["device-zero", "c", "1", "5"],
      ["device-block", "b", "7", "99"],
    ]) {
      try {
        execFileSync("mknod", [this.#at(name ?? ""), ...kind], { stdio: "ignore" });
      } catch {
        return;
      }
    }
  }

  #sizes(): void {
    const huge = openSync(this.#at("huge"), "w");
    ftruncateSync(huge, 10 * GIB);
    closeSync(huge);
    // Deeper than a path can say.
    const name = "d".repeat(200);
    const script = `cd "$1" && mkdir deep && cd deep && for n in $(seq 25); do mkdir ${name} && cd ${name} || exit 1; done; echo a >end`;
    execFileSync("/bin/bash", ["-c", script, "bash", this.root]);
  }

  has(path: string): boolean {
    return lstatSync(this.#at(path), { throwIfNoEntry: false }) !== undefined;
  }

  /** Every name with its kind, mode, target and, where it is small, content: of the workspace, or of all but it. */
  snapshot(where: "workspace" | "outside"): string[] {
    const lines: string[] = [];
    const visit = (directory: Buffer) => {
      for (const name of readdirSync(directory, { encoding: "buffer" })) {
        const path = Buffer.concat([directory, Buffer.from("/"), name]);
        if (where === "outside" && path.toString() === this.root) continue;
        const stats = lstatSync(path);
        const target = stats.isSymbolicLink() ? readlinkSync(path) : "";
        const isShown = stats.isFile() && stats.size < 1_000 && (stats.mode & 0o400) !== 0;
        const text = isShown ? readFileSync(path, "latin1") : "";
        lines.push(`${path.toString("latin1")} ${stats.mode} ${stats.size} ${stats.ino} ${target} ${text}`);
        if (stats.isDirectory() && name.toString() !== "deep") visit(path);
      }
    };
    visit(Buffer.from(where === "workspace" ? this.root : this.outside));
    return lines.sort();
  }

  async remove(): Promise<void> {
    await new Promise((resolve) => this.#socket?.close(resolve) ?? resolve(undefined));
    execFileSync("rm", ["-rf", "--", this.outside]);
  }
}
