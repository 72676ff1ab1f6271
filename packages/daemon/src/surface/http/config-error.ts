/** Settings the daemon refuses to serve with. The message is for the operator and names the way out. */
export class ServeConfigError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ServeConfigError";
  }
}
