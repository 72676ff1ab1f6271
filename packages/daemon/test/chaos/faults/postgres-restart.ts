import { setTimeout as delay } from "node:timers/promises";
import type { PostgresServer } from "../../support/postgres.ts";
import type { Fault } from "./fault.ts";

const SHARES = [0.15, 0.4, 0.7];
const DOWN_MS: [number, number] = [50, 800];

/** SIGKILL for the database server, which comes back on the same data; the daemon stays up. */
export function postgresRestart(server: PostgresServer): Fault {
  return async ({ schedule, dice, say }) => {
    for (const share of SHARES) {
      await schedule.at(share);
      await server.crash();
      await delay(dice.between(...DOWN_MS));
      await server.restart();
      say("PostgreSQL was killed and started again");
    }
  };
}
