import { type Binding, bind } from "../binding.ts";
import type { BackupService } from "./service.ts";

export function backupBindings(backups: BackupService): Binding[] {
  return [
    bind("backup", async () => {
      const { backupId, bytes } = await backups.begin();
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
