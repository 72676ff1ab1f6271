import { type Binding, bind, changerOf } from "../binding.ts";
import type { BackupService } from "./service.ts";

export function backupBindings(backups: BackupService): Binding[] {
  return [
    bind("backup", async (request) => {
      const { backupId, bytes } = await backups.begin(changerOf(request));
      const disposition = `attachment; filename="kheish-${backupId}.tar"`;
      return {
        status: 200,
        bytes,
        contentType: "application/x-tar",
        headers: { "content-disposition": disposition, "cache-control": "no-store" },
      };
    }),
  ];
}
