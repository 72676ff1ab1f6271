import { randomBytes } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { steadyPort } from "../../../src/surface/cli/demo/steady-port.ts";
import { Machine, type MachineOptions } from "./machine.ts";
import { runbook } from "./runbook.ts";

/** The port of the isolated daemon of a drill. */
const DRILL = "127.0.0.1:4100";

/**
 * As much of a service manager as the pages use: it starts one daemon with the environment of its unit and what was set
 * beside it, and ends it as systemd does, with SIGTERM and patience.
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
unit="$HOME/etc/systemd/system/kheish.service"
start() {
  set -a; . "$run/environment"
  while IFS= read -r line; do
    case "$line" in Environment=*) export "\${line#Environment=}" ;; esac
  done < "$unit"
  set +a
  env -u KHEISH_DAEMON_TOKEN_FILE setsid kheish serve >> "$HOME/var/lib/kheish/daemon.log" 2>&1 < /dev/null &
  echo $! > "$run/pid"
  for _ in $(seq 600); do
    curl -fs "http://$KHEISH_BIND/readyz" > /dev/null && return 0
    kill -0 "$(cat "$run/pid")" 2>/dev/null || { tail -3 "$HOME/var/lib/kheish/daemon.log" >&2; exit 1; }
    sleep 0.05
  done
  exit 1
}
case "$1" in
  daemon-reload) ;;
  start | enable) start ;;
  stop) stop ;;
  restart) stop; start ;;
  set-environment) echo "$2" >> "$run/environment" ;;
  unset-environment) sed -i "/^$2=/d" "$run/environment" ;;
  *) echo "systemctl: $1?" >&2; exit 2 ;;
esac
`;

/** A machine with a service manager, on which nothing is installed yet. */
export async function machineWithSystemctl(options: MachineOptions = {}): Promise<Machine> {
  const names: [string, string][] = [[DRILL, `127.0.0.1:${await steadyPort()}`], ...(options.names ?? [])];
  const machine = await Machine.create(names, options);
  const at = (path: string) => join(machine.root, path);
  for (const folder of ["etc/kheish", "etc/systemd/system", "srv/backups", "srv/elsewhere"])
    await mkdir(at(folder), { recursive: true });
  await chmod(at("etc/kheish"), 0o700);
  await writeFile(at("bin/systemctl"), SYSTEMCTL, { mode: 0o755 });
  machine.env.KHEISH_BIND = `127.0.0.1:${machine.port}`;
  return machine;
}

/** A machine on which Kheish is installed as `install.md` does it, not yet started. */
export async function machineWithService(): Promise<Machine> {
  const machine = await machineWithSystemctl();
  const inKheish = (name: string, text: string) =>
    writeFile(join(machine.root, "etc/kheish", name), text, { mode: 0o600 });
  for (const key of ["admin-token", "readonly-token", "audit-signing.key"])
    await inKheish(key, `${randomBytes(32).toString("hex")}\n`);
  await inKheish("auth-store-master-key", `${randomBytes(32).toString("base64")}\n`);
  await inKheish("routes.toml", '[routes.simulator]\ndriver = "simulator"\n');
  for (const { info, text } of runbook("install.md")) {
    const [kind, path] = info.split(" ");
    if (kind === "ini" && path !== undefined) await machine.write(path, text);
  }
  machine.env.KHEISH_DAEMON_TOKEN_FILE = join(machine.root, "etc/kheish/admin-token");
  return machine;
}
