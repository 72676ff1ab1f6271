/** What keeps a configuration from being used, as one sentence for its operator. */
export class McpConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "McpConfigError";
  }
}
