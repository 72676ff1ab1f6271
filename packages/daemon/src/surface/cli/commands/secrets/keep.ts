import { AuthSlotWrite, readAuthSlot } from "@kheish/contract";
import type { z } from "zod";
import type { Cli } from "../../cli.ts";
import { UsageError } from "../../errors.ts";
import { slotDetail } from "../../views/slot.ts";
import { atPlace, type PlaceFlags } from "./place.ts";

export type SlotBody = z.input<typeof AuthSlotWrite>;

/** Writes a slot where the flags say, and shows it. */
export async function keepSlot(cli: Cli, flags: PlaceFlags, body: SlotBody): Promise<void> {
  const slot = await atPlace(
    cli,
    flags,
    "write",
    (client) => client.call("putSecret", { body }),
    (place) => place.put(checkedRecord(body)),
  );
  cli.output.print(slot, slotDetail);
}

/** What the daemon would have checked. */
function checkedRecord(body: SlotBody) {
  const parsed = AuthSlotWrite.safeParse(body);
  const read = parsed.success ? readAuthSlot(parsed.data) : undefined;
  if (read?.ok === true) return read.record;
  const errors = read === undefined ? (parsed.error?.issues ?? []) : read.errors;
  throw new UsageError(
    "the slot is not valid",
    errors.map(({ path, message }) => `/${path.join("/")}: ${message}`),
  );
}
