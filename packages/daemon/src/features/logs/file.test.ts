import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
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

test("a file that somebody moved or deleted is begun anew by the next line, and a root that is gone is left gone", async () => {
  const root = scratch("root");
  mkdirSync(root);
  const path = join(root, "logs", "daemon.log");
  const { file } = await LogFile.open(root);
  const writes = async (place: number) => {
    file.write(place, line(`${place}`));
    await expect.poll(() => readFileSync(path, "utf8")).toContain(line(`${place}`));
  };
  await writes(1);
  renameSync(path, `${path}.moved`);
  await writes(2);
  rmSync(join(root, "logs"), { recursive: true });
  await writes(3);

  renameSync(root, scratch("elsewhere"));
  file.write(4, line("nowhere"));
  await file.close();
  expect(existsSync(root)).toBe(false);
});
