import { within } from "../within.ts";
import type { Fault } from "./fault.ts";
import type { SmallDisk } from "./small-disk.ts";

const SHARES = [0.2, 0.6];
const REFUSED_WITHIN_MS = 60_000;

/** The disk fills up, submissions are refused with `storage_full`, somebody makes room, and all of them get through. */
export function diskFull(disk: SmallDisk): Fault {
  return async ({ schedule, say, submitMore, meets }) => {
    for (const share of SHARES) {
      await schedule.at(share);
      const submissions: Promise<unknown>[] = [];
      let isRefused = false;
      const refused = meets("storage_full").then(() => {
        isRefused = true;
      });
      await disk.fill();
      const filling = async () => {
        while (!isRefused) {
          const submission = submitMore();
          submissions.push(submission);
          await Promise.race([submission, refused]);
        }
      };
      try {
        await within(REFUSED_WITHIN_MS, "a submission to be refused with storage_full", filling());
        say("the disk was full and submissions were refused with storage_full");
      } finally {
        isRefused = true;
        await disk.free();
      }
      await Promise.all(submissions);
    }
  };
}
