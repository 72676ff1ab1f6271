import type {
  IsolationName,
  Json,
  JsonObject,
  TaskOutputView,
  TaskRecord,
  TaskStatus,
} from "@kheish/contract";

/** 03, task tools. Lists of ids are as the model wrote them. */
export type TaskChange =
  | {
      type: "create";
      title: string;
      description: string;
      owner_agent_id?: string;
      metadata: Json;
      blocked_by: string[];
      blocks: string[];
    }
  | ({ type: "update"; task_id: string } & TaskUpdate)
  | { type: "delete"; task_id: string }
  | { type: "begin_shell"; command: ShellCommand; output: JsonObject };

/** A background command that is wanted; with `adopted` it runs already, and whoever runs it keeps it for the task. */
export interface ShellCommand {
  command: string;
  title: string;
  /** Relative to the workspace root. */
  workdir: string;
  /** Absolute. */
  cwd: string;
  workspace_root: string;
  network: boolean;
  sandbox: IsolationName;
  adopted: boolean;
}

export interface TaskUpdate {
  title?: string;
  description?: string;
  status?: TaskStatus;
  owner_agent_id?: string;
  output?: string;
  metadata?: JsonObject;
  remove_metadata_keys?: string[];
  blocked_by?: string[];
  add_blocked_by?: string[];
  remove_blocked_by?: string[];
  blocks?: string[];
  add_blocks?: string[];
  remove_blocks?: string[];
}

/** The tasks of sessions, for tools that read them or wait for them. Refusals are problems of the registry. */
export interface TaskPort {
  get(sessionId: string, taskId: string): Promise<TaskRead<TaskRecord>>;
  list(sessionId: string, status: TaskStatus | undefined): Promise<TaskRead<TaskRecord[]>>;
  output(
    sessionId: string,
    taskId: string,
    options: TaskOutputOptions,
    signal: AbortSignal,
  ): Promise<TaskRead<TaskOutputView>>;
  /** Resolves when it is over, or has been told to stop and takes its time over it (04-R49). */
  stop(
    sessionId: string,
    taskId: string,
    reason: string | undefined,
    signal: AbortSignal,
  ): Promise<TaskRead<TaskRecord>>;
}

/** `news`: the background commands whose end is seen here for the first time. */
export interface TaskRead<T> {
  value: T;
  news: string[];
}

export interface TaskOutputOptions {
  wait: boolean;
  timeoutMs: number;
  tailBytes: number;
  full: boolean;
}
