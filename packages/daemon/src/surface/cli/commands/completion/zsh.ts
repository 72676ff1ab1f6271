import { shellQuote } from "../../shell-quote.ts";
import { casePattern, valueCases, walk } from "./posix.ts";
import type { CompletionTree, Word } from "./tree.ts";

export function zshScript(tree: CompletionTree): string {
  const cases = tree.places.map(
    ({ paths, words }) => `    ${casePattern(paths)}) entries=(${words.map(described).join(" ")}) ;;`,
  );
  return `#compdef kheish kheish-daemon
_kheish() {
  local previous="\${words[CURRENT-1]}" place="" candidate word choices=""
  local -a entries
  for word in "\${(@)words[2,CURRENT-1]}"; do
${walk(tree)}
  done
  case "$place" in
${cases.join("\n")}
  esac
  case "$previous" in
${valueCases(tree)}
  esac
  if [[ -n "$choices" ]]; then
    compadd -- \${=choices}
  else
    _describe kheish entries
    _files
  fi
}
compdef _kheish kheish kheish-daemon
`;
}

/** `word:help`, the form that zsh describes choices in. */
function described({ text, help }: Word): string {
  const word = text.replaceAll(":", "\\:");
  return shellQuote(help === "" ? word : `${word}:${help}`);
}
