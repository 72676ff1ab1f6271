export { childEnvironment } from "./environment.ts";
export { HeldCommands } from "./held-commands.ts";
export { type CommandLauncher, commandLauncher } from "./launch.ts";
export { Reading } from "./reading.ts";
export { runShell } from "./run-shell.ts";
export { type Shell, type ShellExit, startShell } from "./shell.ts";
