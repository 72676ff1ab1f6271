import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storeConformance } from "../../conformance/index.ts";
import { openMovingStore } from "../index.ts";

storeConformance("SQLite in a thread of its own", async () => {
  const root = await mkdtemp(join(tmpdir(), "kheish-sqlite-"));
  return {
    open: async () => {
      const store = await openMovingStore({ path: join(root, "store.db"), processors: 1 });
      await store.move();
      return store;
    },
    cleanup: () => rm(root, { recursive: true }),
  };
});
