import { isText } from "../bytes.ts";
import { ROOT } from "../workspace/path.ts";
import { matchingLines } from "./grep-file.ts";
import { compileGlob, compileRegex } from "./patterns.ts";
import type { GrepMatch, SearchEnd, SearchRequest } from "./protocol.ts";
import { readSearched, SkipCount, walkFiles } from "./walk.ts";

const MAX_FILE_BYTES = 8 * 1024 * 1024;

/**
 * The one search engine of every host: same order, same rules, same result. It works synchronously
 * and belongs in a worker, where a pattern that never ends can be ended from outside.
 */
export function search(request: SearchRequest, found: (item: string | GrepMatch) => void): SearchEnd {
  const skips = new SkipCount();
  let count = 0;
  for (const item of request.kind === "glob" ? globbed(request, skips) : grepped(request, skips)) {
    if (count === request.limit) return { truncated: true, skipped: skips.counts };
    found(item);
    count += 1;
  }
  return { truncated: false, skipped: skips.counts };
}

function* globbed(request: SearchRequest, skips: SkipCount): Generator<string> {
  const matches = compileGlob(request.pattern);
  const prefix = request.base === ROOT ? 0 : request.base.length + 1;
  for (const path of walkFiles(request, skips)) if (matches(path.slice(prefix))) yield path;
}

function* grepped(request: SearchRequest, skips: SkipCount): Generator<GrepMatch> {
  const pattern = compileRegex(request.pattern);
  for (const path of walkFiles(request, skips)) {
    const bytes = readSearched(request.root, path, MAX_FILE_BYTES, skips);
    if (bytes === undefined) continue;
    if (isText(bytes)) yield* matchingLines(path, bytes.toString("utf8"), pattern);
    else skips.add("binary");
  }
}
