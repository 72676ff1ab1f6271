import { shellQuote } from "../../shell-quote.ts";
import { casePattern, valueCases, walk } from "./posix.ts";
import type { CompletionTree } from "./tree.ts";

export function bashScript(tree: CompletionTree): string {
  const cases = tree.places.map(({ paths, words }) => {
    const choices = shellQuote(words.map(({ text }) => text).join(" "));
    return `    ${casePattern(paths)}) choices=${choices} ;;`;
  });
  return `# bash completion for kheish
_kheish() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local place="" candidate word choices=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
${walk(tree)}
  done
  case "$place" in
${cases.join("\n")}
  esac
  case "$previous" in
${valueCases(tree)}
  esac
  COMPREPLY=($(compgen -W "$choices" -- "$current"))
}
complete -o default -F _kheish kheish kheish-daemon
`;
}
