import { shellQuote } from "../../shell-quote.ts";
import type { CompletionTree } from "./tree.ts";

/** `'runs list'|'run list'`: a case pattern that matches one of the paths. */
export function casePattern(paths: readonly string[]): string {
  return paths.map(shellQuote).join("|");
}

/** Body of the loop over the words so far: `$place` grows while they name commands, and skips all else. */
export function walk({ places }: CompletionTree): string {
  const paths = places.flatMap((place) => place.paths).filter((path) => path !== "");
  return `    candidate="\${place:+$place }$word"
    case "$candidate" in
      ${casePattern(paths)}) place="$candidate" ;;
    esac`;
}

/** Cases over the word before the current one: the values of an option. */
export function valueCases({ values }: CompletionTree): string {
  return [...values]
    .map(([option, choices]) => `    ${option}) choices=${shellQuote(choices.join(" "))} ;;`)
    .join("\n");
}
