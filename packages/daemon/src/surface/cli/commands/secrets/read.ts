import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { plainFields } from "../../output/fields.ts";
import { slotDetail, slotTable } from "../../views/slot.ts";
import { addPlaceFlags, atPlace, type PlaceFlags, present } from "./place.ts";

export function defineRead(secrets: Command, cli: Cli): void {
  addPlaceFlags(secrets.command("list").description("Every slot, never its secret")).action(
    async (flags: PlaceFlags) => {
      const slots = await atPlace(
        cli,
        flags,
        "read",
        (client) => client.call("listSecrets"),
        (place) => place.list(),
      );
      cli.output.print(slots, slotTable);
    },
  );

  addPlaceFlags(secrets.command("get <ref>").description("One slot, never its secret")).action(
    async (ref: string, flags: PlaceFlags) => {
      const slot = await atPlace(
        cli,
        flags,
        "read",
        (client) => client.call("getSecret", { params: { ref } }),
        async (place) => present(ref, await place.get(ref)),
      );
      cli.output.print(slot, slotDetail);
    },
  );

  addPlaceFlags(secrets.command("delete <ref>").description("Delete a slot and end its leases")).action(
    async (ref: string, flags: PlaceFlags) => {
      const answer = await atPlace(
        cli,
        flags,
        "write",
        (client) => client.call("deleteSecret", { params: { ref } }),
        async (place) => ({ accepted: present(ref, await place.delete(ref)) }),
      );
      cli.output.print(answer, plainFields);
    },
  );
}
