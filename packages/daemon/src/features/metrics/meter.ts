/** What is counted and timed. Durations in seconds. Every value of a label comes from a small, closed set. */
export interface Meter {
  commit(seconds: number, outcome: "committed" | "refused" | "failed", isStep: boolean): void;
  flush(seconds: number, commits: number): void;
  sync(seconds: number): void;
  modelCall(call: ModelCallSample): void;
  toolCall(call: ToolCallSample): void;
  request(request: RequestSample): void;
}

export interface ModelCallSample {
  route: string;
  provider: string;
  /** `ok`, or the class of the failure (02-R45). */
  outcome: string;
  seconds: number;
  inputTokens: number;
  outputTokens: number;
}

export interface ToolCallSample {
  effect: string;
  outcome: "ok" | "error" | "asked" | "threw";
  seconds: number;
}

export interface RequestSample {
  method: string;
  /** The template of the path, never the path. */
  route: string;
  status: number;
  seconds: number;
}
