import { known, type Word } from "./words.ts";

/**
 * Programs that run another program. `plain`: with the same rights, in the same way, so that what is allowed by itself is
 * allowed behind it. The others change who runs it, where, or with which further words.
 */
export interface Wrapper {
  isPlain: boolean;
  /** Options that take the next word. */
  valued?: readonly string[];
  /** Options without a value. A letter that is in neither list is not understood. */
  flags?: readonly string[];
  /** Words between the options and the program: the seconds of `timeout`, the host of `ssh`. */
  operands?: number;
  /** Options with which it runs nothing and only tells of it. */
  tells?: readonly string[];
  /** An option makes it more than the program alone: it changes the environment, or writes a file. */
  optionsMatter?: boolean;
  /** `NAME=value` words before the program. */
  takesAssignments?: boolean;
  /** Words of its own come behind the program's. */
  addsWords?: boolean;
  /** All words together are read by a shell again. */
  isText?: boolean;
}

export const WRAPPERS: Readonly<Record<string, Wrapper>> = {
  builtin: { isPlain: true },
  chroot: { isPlain: false, operands: 1, flags: ["--skip-chdir"] },
  choom: { isPlain: false, valued: ["-n", "--adjust"] },
  chronic: { isPlain: false },
  chrt: { isPlain: false, operands: 1, flags: ["-a", "-b", "-f", "-i", "-o", "-r", "-R", "-v"] },
  command: { isPlain: true, flags: ["-p"], tells: ["-v", "-V"] },
  doas: { isPlain: false, valued: ["-u", "-C"], flags: ["-n", "-s", "-L"] },
  "dumb-init": { isPlain: false, flags: ["-c", "-v", "--single-child"] },
  env: {
    isPlain: true,
    valued: ["-u", "--unset", "-C", "--chdir"],
    flags: ["-i", "-", "-0", "--ignore-environment", "--null", "-v", "--debug"],
    optionsMatter: true,
    takesAssignments: true,
  },
  eval: { isPlain: true, isText: true },
  exec: { isPlain: false, valued: ["-a"], flags: ["-c", "-l"] },
  fakeroot: { isPlain: false },
  faketime: { isPlain: false, operands: 1 },
  firejail: { isPlain: false },
  flock: {
    isPlain: false,
    operands: 1,
    valued: ["-w", "-E", "--timeout", "--wait", "--conflict-exit-code"],
    flags: [
      "-s",
      "-x",
      "-e",
      "-n",
      "-u",
      "-o",
      "-F",
      "--nonblock",
      "--nb",
      "--shared",
      "--exclusive",
      "--verbose",
    ],
  },
  gosu: { isPlain: false, operands: 1 },
  hyperfine: { isPlain: false, isText: true },
  ifne: { isPlain: false, flags: ["-n"] },
  ionice: { isPlain: true, valued: ["-c", "-n", "--class", "--classdata"], flags: ["-t", "--ignore"] },
  ltrace: { isPlain: false, flags: ["-c", "-f", "-S"] },
  nice: { isPlain: true, valued: ["-n", "--adjustment"] },
  nohup: { isPlain: true },
  nsenter: {
    isPlain: false,
    valued: ["-t", "-S", "-G"],
    flags: ["-a", "-m", "-u", "-i", "-n", "-p", "-U", "-F"],
  },
  numactl: { isPlain: false },
  parallel: { isPlain: false, isText: true, addsWords: true },
  prlimit: { isPlain: false },
  proxychains: { isPlain: false, flags: ["-q"] },
  proxychains4: { isPlain: false, flags: ["-q"] },
  rlwrap: { isPlain: false },
  runuser: { isPlain: false, valued: ["-u", "--user", "-g", "-G"] },
  setpriv: { isPlain: false },
  setsid: { isPlain: true, flags: ["-c", "-f", "-w", "--ctty", "--fork", "--wait"] },
  ssh: {
    isPlain: false,
    operands: 1,
    isText: true,
    valued: [
      "-b",
      "-c",
      "-D",
      "-E",
      "-e",
      "-F",
      "-I",
      "-i",
      "-J",
      "-L",
      "-l",
      "-m",
      "-O",
      "-o",
      "-p",
      "-Q",
      "-R",
      "-S",
      "-W",
      "-w",
    ],
    flags: [
      "-4",
      "-6",
      "-A",
      "-a",
      "-C",
      "-f",
      "-G",
      "-g",
      "-K",
      "-k",
      "-M",
      "-N",
      "-n",
      "-q",
      "-s",
      "-T",
      "-t",
      "-V",
      "-v",
      "-X",
      "-x",
      "-Y",
      "-y",
    ],
  },
  stdbuf: { isPlain: true, valued: ["-i", "-o", "-e", "--input", "--output", "--error"] },
  strace: {
    isPlain: false,
    valued: ["-o", "-e", "-p", "-s", "-u", "-E", "-P"],
    flags: ["-f", "-ff", "-c", "-t", "-tt", "-q", "-v", "-y"],
  },
  "su-exec": { isPlain: false, operands: 1 },
  sudo: {
    isPlain: false,
    valued: [
      "-u",
      "-g",
      "-h",
      "-p",
      "-C",
      "-T",
      "-r",
      "-t",
      "-D",
      "-R",
      "-U",
      "--user",
      "--group",
      "--host",
      "--prompt",
      "--chdir",
      "--chroot",
      "--role",
      "--type",
    ],
    flags: [
      "-A",
      "-b",
      "-E",
      "-H",
      "-i",
      "-K",
      "-k",
      "-l",
      "-n",
      "-P",
      "-S",
      "-s",
      "-v",
      "--preserve-env",
      "--non-interactive",
      "--stdin",
      "--login",
      "--shell",
      "--background",
      "--set-home",
    ],
    takesAssignments: true,
  },
  taskset: { isPlain: false, operands: 1, flags: ["-a", "-c", "--all-tasks", "--cpu-list"] },
  time: {
    isPlain: true,
    optionsMatter: true,
    valued: ["-f", "-o", "--format", "--output"],
    flags: ["-p", "-a", "-v", "--portability", "--append", "--verbose"],
  },
  timeout: {
    isPlain: true,
    operands: 1,
    valued: ["-k", "-s", "--kill-after", "--signal"],
    flags: ["-v", "-f", "-p", "--foreground", "--preserve-status", "--verbose"],
  },
  tini: { isPlain: false, valued: ["-p", "-e"], flags: ["-s", "-v", "-w", "-g"] },
  torsocks: { isPlain: false },
  unbuffer: { isPlain: false, flags: ["-p"] },
  unshare: {
    isPlain: false,
    flags: [
      "-m",
      "-u",
      "-i",
      "-n",
      "-p",
      "-U",
      "-C",
      "-T",
      "-f",
      "-r",
      "--mount",
      "--net",
      "--pid",
      "--user",
      "--fork",
      "--map-root-user",
    ],
  },
  valgrind: { isPlain: false },
  watch: {
    isPlain: false,
    isText: true,
    valued: ["-n", "--interval"],
    flags: [
      "-b",
      "-c",
      "-d",
      "-e",
      "-g",
      "-t",
      "-x",
      "--beep",
      "--color",
      "--differences",
      "--errexit",
      "--no-title",
      "--exec",
    ],
  },
  "xvfb-run": { isPlain: false, flags: ["-a"] },
  xargs: {
    isPlain: false,
    addsWords: true,
    valued: [
      "-a",
      "-d",
      "-E",
      "-I",
      "-L",
      "-n",
      "-P",
      "-s",
      "--arg-file",
      "--delimiter",
      "--max-args",
      "--max-lines",
      "--max-procs",
      "--max-chars",
      "--replace",
    ],
    flags: [
      "-0",
      "-o",
      "-p",
      "-r",
      "-t",
      "-x",
      "--null",
      "--no-run-if-empty",
      "--verbose",
      "--exit",
      "--interactive",
      "--open-tty",
    ],
  },
};

/** Multi-call programs: the next word is the program. */
export const APPLET_HOSTS = new Set(["busybox", "toybox"]);

export type Unwrapped =
  /** It runs these words, as a program and its arguments or as a text that a shell reads. */
  | { kind: "runs"; words: Word[]; isPlain: boolean }
  /** It runs nothing else: `sudo -v`, `env` alone. */
  | { kind: "alone" }
  /** Nobody can say what it runs. */
  | { kind: "unclear" };

/** What is behind a wrapper's own words; `args` without its name. */
export function unwrap(wrapper: Wrapper, args: readonly Word[]): Unwrapped {
  let at = 0;
  let isPlain = wrapper.isPlain;
  let operands = wrapper.operands ?? 0;
  for (; at < args.length; at++) {
    const word = args[at];
    const text = word === undefined || word.isMany ? undefined : known(word);
    if (text === undefined) return { kind: "unclear" };
    if (text === "--") {
      at += 1;
      break;
    }
    if (wrapper.takesAssignments === true && isAssignment(word)) {
      isPlain = false;
      continue;
    }
    if (!text.startsWith("-") || (text === "-" && wrapper.flags?.includes("-") !== true)) {
      if (operands === 0) break;
      operands -= 1;
      continue;
    }
    if (wrapper.tells?.includes(text) === true) return { kind: "alone" };
    const size = optionSize(wrapper, text);
    if (size === undefined) return { kind: "unclear" };
    if (wrapper.optionsMatter === true) isPlain = false;
    at += size - 1;
  }
  const words = args.slice(at + operands);
  while (wrapper.takesAssignments === true && isAssignment(words[0])) {
    words.shift();
    isPlain = false;
  }
  return words.length === 0 ? { kind: "alone" } : { kind: "runs", words, isPlain };
}

function isAssignment(word: Word | undefined): boolean {
  return word !== undefined && /^[A-Za-z_]\w*=/.test(known(word) ?? "");
}

/** How many words an option takes; undefined where it is not understood. */
function optionSize({ valued = [], flags = [] }: Wrapper, text: string): 1 | 2 | undefined {
  if (flags.includes(text)) return 1;
  if (valued.includes(text)) return 2;
  if (text.startsWith("--")) {
    const [name = ""] = text.split("=");
    return valued.includes(name) || flags.includes(name) ? 1 : undefined;
  }
  // `nice -10`, and letters that stand together, of which the last may take a value.
  if (/^-\d+$/.test(text)) return valued.includes("-n") ? 1 : undefined;
  const letters = [...text.slice(1)];
  for (const [index, letter] of letters.entries()) {
    if (valued.includes(`-${letter}`)) return index === letters.length - 1 ? 2 : 1;
    if (!flags.includes(`-${letter}`)) return undefined;
  }
  return 1;
}
