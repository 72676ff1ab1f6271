import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import type { StoreFixture } from "../../conformance/index.ts";
import { storeConformance } from "../../conformance/index.ts";
import { modelConformance } from "../../conformance/model.ts";
import { overriding } from "../../overriding.ts";
import type { Store } from "../../store.ts";
import { openMovingStore } from "../index.ts";
import type { MovingStore } from "./moving-store.ts";

async function fixture(settle: (store: MovingStore) => Promise<Store>): Promise<StoreFixture> {
  const root = await mkdtemp(join(tmpdir(), "kheish-sqlite-"));
  return {
    open: async () => settle(await openMovingStore({ path: join(root, "store.db"), processors: 1 })),
    cleanup: () => rm(root, { recursive: true }),
  };
}

storeConformance("SQLite in a thread of its own", () =>
  fixture(async (store) => {
    await store.move();
    return store;
  }),
);

/** It moves whenever it has arrived. */
function restless(store: MovingStore): Store {
  let goesOn = true;
  const move = async () => {
    while (goesOn) {
      await store.move();
      await store.comeBack();
    }
  };
  const moved = move();
  return overriding<Store>(store, {
    async close() {
      goesOn = false;
      await moved;
      await store.close();
    },
  });
}

describe("SQLite that moves there and back without a pause", () => {
  modelConformance(() => fixture(async (store) => restless(store)));
});
