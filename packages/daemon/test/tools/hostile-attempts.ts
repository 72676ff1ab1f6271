import { IS_ROOT, STRANGE_NAMES } from "./hostile-scene.ts";

/** The words of a refusal, or that the call is handled like any other. */
export type Expected = RegExp | "fine";

/** A path, and what each kind of tool makes of it. */
export interface Attempt {
  path: string;
  /** `read_file`. */
  read: Expected;
  /** `write_file`. */
  write: Expected;
  /** `edit_file` and `apply_patch`. */
  edit: Expected;
  /** `list_files` and `glob_search` (base), `bash` (workdir). */
  tree: Expected;
  /** `grep_search` (base), where it is not as the others. */
  grep?: Expected;
  /** Left out where the scene does not have this. */
  needs?: string;
}

const ABOVE = /leads above the workspace root/;
const ELSEWHERE = /is outside the workspace/;
const NUL = /NUL byte/;
const OUT = /leads out of the workspace through a symbolic link/;
const A_LINK = /is a symbolic link|do not go through symbolic links/;
const MISSING = /no such file|does not exist/;
const DIRECTORY = /is a directory/;
const A_FILE = /is a file, not a directory|is not a directory/;
const NO_FILE = /not a regular file/;
const NOT_BELOW_A_FILE = /not a directory/;
const LOOP = /too many symbolic links/;
const LONG = /too long/;
const FORBIDDEN = /permission denied/;

function always(expected: RegExp): (path: string) => Attempt {
  return (path) => ({ path, read: expected, write: expected, edit: expected, tree: expected });
}

/** Links are followed for reading where they stay inside, and never for writing. */
function leadingOut(path: string): Attempt {
  return { path, read: OUT, write: A_LINK, edit: A_LINK, tree: OUT };
}

/** A name like any other: nothing is there, so that it can be created, inside. */
function missing(path: string): Attempt {
  return { path, read: MISSING, write: "fine", edit: MISSING, tree: MISSING };
}

function file(path: string, more: Partial<Attempt> = {}): Attempt {
  return { path, read: "fine", write: "fine", edit: "fine", tree: A_FILE, grep: "fine", ...more };
}

function directory(path: string): Attempt {
  return { path, read: DIRECTORY, write: DIRECTORY, edit: DIRECTORY, tree: "fine" };
}

function special(path: string): Attempt {
  return { path, read: NO_FILE, write: NO_FILE, edit: NO_FILE, tree: NO_FILE, needs: path };
}

const unless = (isSo: boolean, expected: RegExp): Expected => (isSo ? "fine" : expected);

export function attempts(root: string): Attempt[] {
  return [
    // Up and away, by letters.
    ..."..|../|../secret|dir/../../secret|dir/../../ws/../secret|./././../secret|dir//..//..//secret|../ws/a.txt"
      .split("|")
      .map(always(ABOVE)),
    ...[`${root}/../secret`, `${root}/a.txt/../../secret`, "link-in/../../secret", `${root}//..`].map(
      always(ABOVE),
    ),
    ..."/etc/passwd|/|//etc/passwd|/proc/self/environ|/dev/zero|/../etc/passwd"
      .split("|")
      .map(always(ELSEWHERE)),
    ...[`${root}-evil/secret`, `${root}x`, root.toUpperCase()].map(always(ELSEWHERE)),
    // Bytes that mean something to somebody else.
    ..."\0|a.txt\0|dir\0/../../secret|../secret\0|a.txt\0.png".split("|").map(always(NUL)),
    ...["\ud800", "a\udc00.txt"].map(always(/half of a surrogate pair/)),
    ..."..%2fsecret|%2e%2e%2fsecret|..%c0%afsecret|..%00/secret|..\\secret|..\\..\\secret|..\u2215secret|\uff0e\uff0e/secret"
      .split("|")
      .map(missing),
    ..."..;/secret|~/secret|~root/x|$HOME/secret|file:///etc/passwd|http://127.0.0.1/x|C:\\Windows\\win.ini"
      .split("|")
      .map(missing),
    ...".../secret|.. /secret| ../secret|..\t/secret|..\n/secret|\u2024\u2024/secret|b\ufffd\ufffdd"
      .split("|")
      .map(missing),
    // Links.
    ..."link-file|link-relative|link-dir|link-dir/secret|link-dir/new|link-chain|link-dangling|link-root|link-root/etc/passwd"
      .split("|")
      .map(leadingOut),
    ..."link-proc|link-proc/environ|link-proc/cwd|link-proc/root/etc/passwd|link-proc/fd/0|link-dev|link-up|link-up/secret"
      .split("|")
      .map(leadingOut),
    ..."link-tricky|link-sibling|link-sibling/secret|link-in/../link-dir/secret|dir/../link-dir/secret"
      .split("|")
      .map(leadingOut),
    ..."link-loop|link-loop/x|link-self|link-self/x/y|link-hop-41"
      .split("|")
      .map((path): Attempt => ({ path, read: LOOP, write: A_LINK, edit: A_LINK, tree: LOOP })),
    { path: "link-dangling-in", read: MISSING, write: A_LINK, edit: A_LINK, tree: MISSING },
    { path: "link-hop-39", read: "fine", write: A_LINK, edit: A_LINK, tree: A_FILE, grep: "fine" },
    { path: "link-in/inner.txt", read: "fine", write: A_LINK, edit: A_LINK, tree: A_FILE, grep: "fine" },
    { path: "link-in-absolute", read: DIRECTORY, write: A_LINK, edit: A_LINK, tree: "fine" },
    { path: "link-in", read: DIRECTORY, write: A_LINK, edit: A_LINK, tree: "fine" },
    // By letters this is `a.txt`, whatever the link is (03-A4).
    ..."link-dir/../a.txt|link-loop/../a.txt|missing/../a.txt|a.txt/|./a.txt//|a.txt/."
      .split("|")
      .map((path) => file(path)),
    file(`${root}/a.txt`),
    // What is no file, or not the one it seems to be.
    ...[".", "./", "dir/..", root, "a.txt/.."].map(directory),
    directory("dir"),
    directory("dir/"),
    { ...directory("deep") },
    ..."fifo|socket|device-null|device-zero|device-block".split("|").map(special),
    ...["fifo/x", "socket/x"].map((path): Attempt => ({ ...always(NOT_BELOW_A_FILE)(path), needs: "fifo" })),
    always(NOT_BELOW_A_FILE)("a.txt/x"),
    { path: "", read: /\$\.path/, write: /\$\.path/, edit: /path/, tree: "fine" },
    // Length, size, content, mode.
    ...["n".repeat(256), `dir/${"é".repeat(128)}`].map(always(LONG)),
    ...["a/".repeat(2_100), `${"n".repeat(200)}/`.repeat(25)].map(always(LONG)),
    file("binary", { edit: /not UTF-8 text/ }),
    file("huge", { edit: /up to \d+ bytes/ }),
    file("hardlink"),
    file("locked", {
      read: unless(IS_ROOT, FORBIDDEN),
      write: unless(IS_ROOT, FORBIDDEN),
      edit: unless(IS_ROOT, FORBIDDEN),
    }),
    file("readonly", { write: unless(IS_ROOT, FORBIDDEN), edit: unless(IS_ROOT, FORBIDDEN) }),
    ...STRANGE_NAMES.map((name) => file(name)),
  ];
}
