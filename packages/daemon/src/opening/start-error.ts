/** Everything that may keep a daemon from starting, as one sentence for its operator. */
export class StartError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "StartError";
  }

  static of(error: unknown): StartError {
    if (error instanceof StartError) return error;
    return new StartError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
