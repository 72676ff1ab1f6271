import { test } from "vitest";
import { useDaemon } from "./fixture.ts";
import { ASKING, ENDLESS, say, script } from "./script.ts";
const f = useDaemon(async () => "sqlite");
test("x", async () => {
  for (const content of ["hi", ASKING, ENDLESS]) {
    const r = await f.begin(content);
    if (content !== ENDLESS) await f.reaches(r.run_id, "completed", "waiting_for_user_question");
    let t = performance.now();
    await f.daemon.stop();
    const a = performance.now() - t; t = performance.now();
    await f.daemon.start();
    console.log(content.slice(0, 20), "stop", a | 0, "start", (performance.now() - t) | 0);
  }
});
