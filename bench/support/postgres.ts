import { Client } from "pg";
import { type PostgresServer, startPostgres } from "../../packages/daemon/test/support/postgres.ts";

/** A PostgreSQL server for all sides of a benchmark; refuses one that would acknowledge before it is on disk. */
export async function durablePostgres(): Promise<{ server: PostgresServer; settings: object }> {
  // The server's pipes keep no process alive, and a benchmark may have nothing else to do meanwhile.
  const awake = setInterval(() => undefined, 60_000);
  const server = await startPostgres().finally(() => clearInterval(awake));
  const client = new Client(server.url("postgres"));
  await client.connect();
  const show = async (name: string) => {
    const { rows } = await client.query<{ value: string }>("SELECT current_setting($1) AS value", [name]);
    return rows[0]?.value;
  };
  try {
    const settings = {
      server_version: await show("server_version"),
      fsync: await show("fsync"),
      synchronous_commit: await show("synchronous_commit"),
      shared_buffers: await show("shared_buffers"),
    };
    if (settings.fsync !== "on" || settings.synchronous_commit !== "on") {
      throw new Error(`PostgreSQL is not durable here: ${JSON.stringify(settings)}`);
    }
    return { server, settings };
  } finally {
    await client.end();
  }
}
