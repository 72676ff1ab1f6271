import { isAbsolute, relative } from "node:path";

/** What one command may see of the machine, and change. All paths are absolute and real. */
export interface Confinement {
  /** May be read and written. */
  writable: readonly string[];
  /** May be read, though they lie in what is hidden. */
  readable: readonly string[];
  /** Are not there: the state root, files with secrets, sockets of other services. */
  hidden: readonly { path: string; kind: "directory" | "file" }[];
  /** Stands where `/tmp` is; a folder of the daemon's own. */
  scratch: string;
  network: boolean;
}

type Mount = { path: string; args: readonly string[] };

/**
 * The arguments of `bwrap`, up to and without the command. The root is read-only; what lies deeper is mounted after
 * what it lies in, so that a workspace inside of a hidden folder is there, and a hidden folder inside of a workspace
 * is not. No capability is kept, and every namespace but the network's is the command's own.
 */
export function bubblewrapArgs({ writable, readable, hidden, scratch, network }: Confinement): string[] {
  const mounts: Mount[] = [
    { path: "/tmp", args: ["--bind", scratch, "/tmp"] },
    ...writable.map((path) => ({ path, args: ["--bind", path, path] })),
    ...readable.map((path) => ({ path, args: ["--ro-bind", path, path] })),
    ...hidden.map(({ path, kind }) => ({ path, args: hide(path, kind) })),
  ];
  return [
    "--unshare-user",
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    ...(network ? [] : ["--unshare-net"]),
    "--cap-drop",
    "ALL",
    "--ro-bind",
    "/",
    "/",
    "--dev",
    "/dev",
    "--proc",
    "/proc",
    ...mounts.toSorted((a, b) => depth(a.path) - depth(b.path)).flatMap(({ args }) => args),
  ];
}

function hide(path: string, kind: "directory" | "file"): string[] {
  return kind === "directory" ? ["--tmpfs", path] : ["--ro-bind", "/dev/null", path];
}

function depth(path: string): number {
  return path === "/" ? 0 : path.split("/").length;
}

/** Whether `path` is `folder` or lies in it. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || (!way.startsWith("..") && !isAbsolute(way));
}
