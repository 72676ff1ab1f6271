import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { useScratch } from "../../kernel/conformance/scratch.ts";
import { LogFile } from "./file.ts";

const scratch = useScratch();
const line = (text: string) => JSON.stringify({ msg: text });

test("a start writes nothing, so that it also goes well on a full disk: the next line ends the one that was cut off", async () => {
  const root = scratch("root");
  const path = join(root, "logs", "daemon.log");
  mkdirSync(join(root, "logs"), { recursive: true });
  const torn = `1 ${line("whole")}\n2 {"msg":"cut o`;
  writeFileSync(path, torn);

  const { file, kept } = await LogFile.open(root);
  expect(kept).toEqual({ last: 1, lines: [line("whole")] });
  expect(readFileSync(path, "utf8")).toBe(torn);
  file.write(2, line("after"));
  await file.close();
  expect(readFileSync(path, "utf8")).toBe(`${torn}\n2 ${line("after")}\n`);

  const again = await LogFile.open(root);
  await again.file.close();
  expect(again.kept.lines).toEqual([line("whole"), line("after")]);
});
