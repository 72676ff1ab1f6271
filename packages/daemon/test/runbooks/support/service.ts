import { randomBytes } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, Machine } from "./machine.ts";

/** The port of the isolated daemon of a drill. */
const DRILL = "127.0.0.1:4100";

/**
 * As much of a service manager as the pages use: it starts one daemon with the environment that was set, and ends it as
 * systemd does, with SIGTERM and patience.
 */
const SYSTEMCTL = `#!/bin/bash
set -eu
run="$HOME/run"
mkdir -p "$run"
touch "$run/environment"
stop() {
  [ -f "$run/pid" ] || return 0
  kill -TERM "$(cat "$run/pid")" 2>/dev/null || true
  while kill -0 "$(cat "$run/pid")" 2>/dev/null; do sleep 0.05; done
  rm "$run/pid"
}
start() {
  set -a; . "$run/environment"; set +a
  env -u KHEISH_DAEMON_TOKEN_FILE setsid kheish serve --bind "$KHEISH_BIND" \\
    --state-root "$HOME/var/lib/kheish/state" --workspace-root "$HOME/srv/kheish" --http-auth-mode bearer \\
    --http-admin-token-file "$HOME/etc/kheish/admin-token" \\
    --http-readonly-token-file "$HOME/etc/kheish/readonly-token" \\
    >> "$HOME/var/lib/kheish/daemon.log" 2>&1 < /dev/null &
  echo $! > "$run/pid"
  for _ in $(seq 600); do
    curl -fs "http://$KHEISH_BIND/readyz" > /dev/null && return 0
    kill -0 "$(cat "$run/pid")" 2>/dev/null || { tail -3 "$HOME/var/lib/kheish/daemon.log" >&2; exit 1; }
    sleep 0.05
  done
  exit 1
}
case "$1" in
  start) start ;;
  stop) stop ;;
  restart) stop; start ;;
  set-environment) echo "$2" >> "$run/environment" ;;
  unset-environment) sed -i "/^$2=/d" "$run/environment" ;;
  *) echo "systemctl: $1?" >&2; exit 2 ;;
esac
`;

/** A machine on which Kheish is installed as the pages say, not yet started. */
export async function machineWithService(): Promise<Machine> {
  const machine = await Machine.create([[DRILL, `127.0.0.1:${await freePort()}`]]);
  const at = (path: string) => join(machine.root, path);
  for (const folder of ["etc/kheish", "srv/backups", "srv/elsewhere"])
    await mkdir(at(folder), { recursive: true });
  await chmod(at("etc/kheish"), 0o700);
  for (const role of ["admin", "readonly"])
    await writeFile(at(`etc/kheish/${role}-token`), `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
  await writeFile(at("bin/systemctl"), SYSTEMCTL, { mode: 0o755 });
  machine.env.KHEISH_DAEMON_TOKEN_FILE = at("etc/kheish/admin-token");
  machine.env.KHEISH_BIND = `127.0.0.1:${machine.port}`;
  return machine;
}
