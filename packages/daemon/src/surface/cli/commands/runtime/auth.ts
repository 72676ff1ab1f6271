import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { plainFields } from "../../output/fields.ts";
import { leaseDetail, slotDetail, subjectDetail } from "../../views/slot.ts";
import { defineAccounts } from "./accounts.ts";

interface Flags {
  reason?: string;
}

/** Who holds which credential, and how that ends (02, CLI). */
export function defineRuntimeAuth(runtime: Command, cli: Cli): void {
  const auth = runtime.command("auth").description("Who may use credentials, and under which leases they do");
  defineAccounts(auth, cli);
  const verb = (
    name: string,
    argument: string,
    description: string,
    reason: "none" | "optional" | "required",
  ) => {
    const command = auth.command(`${name} <${argument}>`).description(description);
    if (reason === "optional") return command.option("--reason <text>", "recorded with it");
    return reason === "none" ? command : command.requiredOption("--reason <text>", "recorded with it");
  };
  const why = ({ reason }: Flags) => (reason === undefined ? {} : { body: { reason } });

  verb("subject", "subject_id", "One subject and its leases; a session's is session:<id>", "none").action(
    async (subject_id: string) => {
      const client = await cli.client();
      cli.output.print(await client.call("getSubject", { params: { subject_id } }), subjectDetail);
    },
  );
  verb("revoke-subject", "subject_id", "End a subject's leases and give it no more", "optional").action(
    async (subject_id: string, flags: Flags) => {
      const client = await cli.client();
      const call = { params: { subject_id }, ...why(flags) };
      cli.output.print(await client.call("revokeSubject", call), subjectDetail);
    },
  );
  verb("reinstate-subject", "subject_id", "Let a revoked subject have leases again", "required").action(
    async (subject_id: string, { reason }: { reason: string }) => {
      const client = await cli.client();
      const call = { params: { subject_id }, body: { reason } };
      cli.output.print(await client.call("reinstateSubject", call), subjectDetail);
    },
  );
  verb("lease", "lease_id", "One lease", "none").action(async (lease_id: string) => {
    const client = await cli.client();
    cli.output.print(await client.call("getLease", { params: { lease_id } }), leaseDetail);
  });
  verb("revoke-lease", "lease_id", "End one lease", "optional").action(
    async (lease_id: string, flags: Flags) => {
      const client = await cli.client();
      cli.output.print(
        await client.call("revokeLease", { params: { lease_id }, ...why(flags) }),
        leaseDetail,
      );
    },
  );
  verb("revoke-slot", "slot", "End a slot's leases; the next call gets a new one", "optional").action(
    async (slot: string, flags: Flags) => {
      const client = await cli.client();
      cli.output.print(
        await client.call("revokeSlotLeases", { params: { slot }, ...why(flags) }),
        plainFields,
      );
    },
  );
  verb("disable-slot", "slot", "Keep a slot and let nobody use it", "required").action(
    async (slot: string, { reason }: { reason: string }) => {
      const client = await cli.client();
      cli.output.print(await client.call("disableSlot", { params: { slot }, body: { reason } }), slotDetail);
    },
  );
  verb("enable-slot", "slot", "Let a disabled slot be used again", "optional").action(
    async (slot: string, flags: Flags) => {
      const client = await cli.client();
      cli.output.print(await client.call("enableSlot", { params: { slot }, ...why(flags) }), slotDetail);
    },
  );
}
