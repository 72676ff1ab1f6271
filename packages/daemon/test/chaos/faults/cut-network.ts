import { setTimeout as delay } from "node:timers/promises";
import type { Fault } from "./fault.ts";
import type { TcpProxy } from "./tcp-proxy.ts";

const SHARES = [0.1, 0.3, 0.5, 0.7];
const CUT_MS: [number, number] = [500, 3_000];

/** The way to the database is closed, or swallows everything without a word; then it is whole again. */
export function cutNetwork(proxy: TcpProxy): Fault {
  return async ({ schedule, dice, say }) => {
    for (const [index, share] of SHARES.entries()) {
      await schedule.at(share);
      const ms = dice.between(...CUT_MS);
      const isSilent = index % 2 === 1;
      if (isSilent) proxy.silence();
      else await proxy.close();
      await delay(ms);
      await proxy.open();
      say(`the network to PostgreSQL was ${isSilent ? "silent" : "closed"} for ${ms} ms`);
    }
  };
}
