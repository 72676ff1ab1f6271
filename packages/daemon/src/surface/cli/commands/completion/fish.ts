import type { CompletionTree, Place, Word } from "./tree.ts";

export function fishScript(tree: CompletionTree): string {
  const paths = tree.places.flatMap((place) => place.paths).filter((path) => path !== "");
  const lines = tree.places.flatMap((place) => place.words.map((word) => completion(place, word, tree)));
  return `# fish completion for kheish
function __kheish_at
  set -l place ""
  set -l tokens (commandline -opc)
  set -e tokens[1]
  for word in $tokens
    set -l candidate (string trim -- "$place $word")
    if contains -- "$candidate" ${paths.map(quote).join(" ")}
      set place "$candidate"
    end
  end
  contains -- "$place" $argv
end
${lines.join("\n")}
complete -c kheish-daemon -w kheish
`;
}

function completion({ paths }: Place, { text, help }: Word, { values }: CompletionTree): string {
  const condition = `-n ${quote(`__kheish_at ${paths.map(quote).join(" ")}`)}`;
  const choices = values.get(text);
  const what = text.startsWith("--")
    ? `-l ${text.slice(2)}${choices === undefined ? "" : ` -x -a ${quote(choices.join(" "))}`}`
    : `-f -a ${quote(text)}`;
  return `complete -c kheish ${condition} ${what}${help === "" ? "" : ` -d ${quote(help)}`}`;
}

/** Within single quotes fish reads only these two escapes. */
function quote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
