// A consumer of everything that happens in the daemon, each event once: across restarts of the daemon, which the stream
// outlives by itself, and of this program, which keeps its place in a file.
import { readFile, rename, writeFile } from "node:fs/promises";
import { Kheish } from "@kheish/sdk";

const [placeFile = "kheish.cursor"] = process.argv.slice(2);
const kheish = Kheish.fromEnv({ reconnectWithinMs: Number.POSITIVE_INFINITY });
const place = await readFile(placeFile, "utf8").catch(() => "start");

const stream = kheish.events.stream({
  cursor: place,
  onConnection: (state) =>
    console.error(state === "open" ? "connected" : "the daemon is away, waiting for it"),
});
for await (const { id, data } of stream) {
  if (data.type === "run_updated") console.log(id, data.run.run_id, data.run.status);
  if (data.type === "output") console.log(id, data.output.run_id, JSON.stringify(data.output.content));
  // Written whole or not at all: a program that dies here sees this event again, and none is lost.
  if (id !== undefined) {
    await writeFile(`${placeFile}.new`, id);
    await rename(`${placeFile}.new`, placeFile);
  }
}
