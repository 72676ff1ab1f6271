import { join } from "node:path";
import { temporaryFolder } from "../support/cleanup.ts";
import { RawHttp } from "../support/raw-http.ts";
import { freePort, ServerProcess } from "../support/server-process.ts";
import { installPeer } from "./install.ts";

/** As many connections as the largest load has use for, and fewer than the server admits. */
const POOL_SIZE = 32;

/** A peer whose steps run in its own HTTP server's process and are kept in PostgreSQL. */
export interface PostgresApp {
  versions: Record<string, string>;
  runSteps(steps: number): Promise<void>;
  remove(): Promise<void>;
}

export async function startPostgresApp(
  name: "dbos" | "langgraph",
  databaseUrl: string,
): Promise<PostgresApp> {
  const { folder, versions } = installPeer(name);
  const port = await freePort();
  const logs = temporaryFolder(name);
  const app = new ServerProcess({
    command: process.execPath,
    args: [join(folder, "app.js")],
    env: {
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      POOL_SIZE: String(POOL_SIZE),
      NODE_ENV: "production",
    },
    ready: { url: `http://127.0.0.1:${port}/` },
    log: join(logs.path, "log"),
  });
  await app.start();
  const http = new RawHttp(`http://127.0.0.1:${port}`);
  return {
    versions,
    async runSteps(steps) {
      await http.call("POST", `/?steps=${steps}`);
    },
    async remove() {
      await app.kill();
      logs.remove();
    },
  };
}
