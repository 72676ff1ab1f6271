import { fileFailure } from "../kernel/errno.ts";
import { StoreError } from "../kernel/store.ts";

/** Everything that may keep a daemon from starting, as one sentence for its operator. */
export class StartError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "StartError";
  }

  static of(error: unknown): StartError {
    if (error instanceof StartError) return error;
    return new StartError(sentence(error), { cause: error });
  }
}

/** Damage may show at the first read of any part of the start. */
const DAMAGED =
  "what is damaged is not used: bring a backup back with 'kheish restore FILE --state-root NEW'";

/** What Node throws of a file names the system call; an operator wants to know which file, and why. */
function sentence(error: unknown): string {
  const why = fileFailure(error);
  const { path } = error as { path?: unknown };
  if (why !== undefined && typeof path === "string") return `${path} cannot be used: ${why}`;
  const said = error instanceof Error ? error.message : String(error);
  const isDamaged =
    error instanceof StoreError && error.code === "corrupt" && !said.includes("kheish restore");
  return isDamaged ? `${said}; ${DAMAGED}` : said;
}

/** Waits for what opens a store or its root, and says of a failure what can be done about it. */
export async function advised<T>(
  opening: Promise<T>,
  advice: Partial<Record<StoreError["code"], string>>,
): Promise<T> {
  return opening.catch((error: unknown) => {
    const next = error instanceof StoreError ? advice[error.code] : undefined;
    throw next === undefined ? error : new StartError(`${sentence(error)}; ${next}`, { cause: error });
  });
}
