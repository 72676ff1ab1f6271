import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storeConformance } from "../conformance/index.ts";
import { openSqliteStore } from "./index.ts";

storeConformance("SQLite", async () => {
  const root = await mkdtemp(join(tmpdir(), "kheish-sqlite-"));
  return {
    open: () => openSqliteStore({ path: join(root, "store.db") }),
    cleanup: () => rm(root, { recursive: true }),
  };
});
