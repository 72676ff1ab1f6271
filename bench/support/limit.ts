import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./cleanup.ts";
import { freePort, ServerProcess } from "./server-process.ts";

/** A bare server that does the least that could be called the same work, in a process of its own. */
export interface Limit {
  baseUrl: string;
  process: ServerProcess;
  remove(): Promise<void>;
}

/** `program` listens on PORT; whatever it stores goes to DATABASE. Not started yet. */
export async function prepareLimit(program: URL, env: Record<string, string> = {}): Promise<Limit> {
  const folder = temporaryFolder("limit");
  const baseUrl = `http://127.0.0.1:${await freePort()}`;
  const server = new ServerProcess({
    command: process.execPath,
    args: [fileURLToPath(program)],
    env: { PORT: new URL(baseUrl).port, DATABASE: join(folder.path, "limit.db"), ...env },
    ready: { url: `${baseUrl}/` },
    log: join(folder.path, "log"),
  });
  return {
    baseUrl,
    process: server,
    async remove() {
      await server.kill();
      folder.remove();
    },
  };
}
