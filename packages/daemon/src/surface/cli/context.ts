import type { Readable, Writable } from "node:stream";
import type { BackupManifest } from "@kheish/contract";
import type { JournalReport } from "../../governance/audit/index.ts";
import type { OfflineOptions, OfflineSecrets } from "../../offline.ts";
import type { ServeOptions } from "./serve-options.ts";

/** Everything of the machine that commands touch, so that tests can be the machine. */
export interface CliContext {
  readonly env: Environment;
  readonly workingDirectory: string;
  readonly terminal: Terminal;
  readonly clock: CliClock;
  readonly host: Host;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Terminal {
  /** Columns of the terminal behind standard output; undefined in a pipe or a file. */
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  out(text: string): void;
  err(text: string): void;
  /** All of standard input. */
  readInput(): Promise<string>;
  /** Standard input line by line, for prompts. */
  inputLines(): AsyncIterable<string>;
  /** Standard input and output as they are, for a protocol that is spoken over them. */
  streams(): { input: Readable; output: Writable };
}

/** Unlike the daemon's clock, a pending sleep keeps the process alive: the command is what runs. */
export interface CliClock {
  now(): number;
  /** Resolves early, without complaint, when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** SIGHUP: the terminal is gone. */
export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** Would by default open a debugger to every local user, or end the process. */
export type IdleSignal = "SIGUSR1" | "SIGUSR2";

export interface Host {
  /** Returns how to stop listening. */
  onSignal(signal: StopSignal | IdleSignal, handler: () => void): () => void;
  /** Whether a terminal is behind one of the standard streams, which may go away. */
  hasTerminal(): boolean;
  /** From now on nothing ends because nobody reads standard output any more. */
  outliveReaders(): void;
  /** Ends the process without waiting for anything. */
  exitNow(code: number): void;
  /** Shows a page in the user's browser; `onFailure` hears that there is none. */
  openUrl(url: string, onFailure?: () => void): void;
  /** The daemon is loaded only by the commands that run one. */
  loadDaemon(): Promise<DaemonModule>;
  loadDemo(): Promise<DemoModule>;
  /** The auth store without a daemon. */
  loadOffline(): Promise<OfflineModule>;
  loadArchives(): Promise<ArchivesModule>;
}

export interface OfflineModule {
  openOfflineSecrets(options: OfflineOptions, env: Environment): Promise<OfflineSecrets>;
}

/** Backups without a daemon. */
export interface ArchivesModule {
  backupAtRest(place: RootPlace, includeKeys: boolean): AsyncIterable<Uint8Array>;
  verifyBackup(file: string): Promise<BackupManifest>;
  verifyRestore(
    file: string,
    stateRoot?: string,
  ): Promise<{ manifest: BackupManifest; audit: JournalReport }>;
  restoreBackup(file: string, place: RootPlace): Promise<BackupManifest>;
}

export interface RootPlace {
  /** Absolute. */
  stateRoot: string;
  /** `sqlite`, or the URL of a PostgreSQL database. */
  store: string;
}

export interface DaemonModule {
  serve(options: ServeOptions, env: Environment): Promise<RunningDaemon>;
}

export interface RunningDaemon {
  readonly baseUrl: string;
  /** Resolves once the daemon has let go of everything; rejects when it died. */
  readonly closed: Promise<void>;
  stop(reason: string): Promise<void>;
  /** Tells the operator something in the daemon's log. */
  note(message: string): void;
}

export interface DemoModule {
  runDemo(flags: DemoFlags, context: CliContext): Promise<void>;
}

export interface DemoFlags {
  readonly yes?: boolean;
  readonly simulator?: boolean;
  readonly keep?: boolean;
}
