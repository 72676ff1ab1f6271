import type { Text } from "./glob.ts";
import { pathOfText, type SeenPath } from "./paths.ts";

/** Where a path or an address may begin within a word: `if=FILE`, `-d@FILE`, `user@host:path`, `a,b`. */
const SEPARATORS = new Set(["=", "@", ":", ","]);
/** Words of more parts are looked at as a whole only. */
const MAX_PARTS = 32;

/** What a word of the shell may name, the word itself first: enough for a rule to stop a call by, never to let it pass. */
export function partsOf(text: Text): Text[] {
  const begins = text[0] === "-" && text[1] !== "-" ? [2] : [];
  for (const [at, character] of text.entries())
    if (typeof character === "string" && SEPARATORS.has(character)) begins.push(at + 1);
  if (begins.length > MAX_PARTS) return [text];
  return [text, ...begins.filter((at) => at < text.length).map((at) => text.slice(at))];
}

/** The files that a word may name. */
export function pathsIn(text: Text, workspaceRoot: string, directory: string | undefined): SeenPath[] {
  return partsOf(text).map((part) => pathOfText(part, workspaceRoot, directory));
}

const WITH_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const DEVICE = /^\/dev\/(?:tcp|udp)\/([^/]+)\//;
const BARE = /^\/*([\w-]+(?:\.[\w-]+)+\.?|localhost|\[[0-9a-f:.]+\])(?=[:/?#]|$)/i;

/** The hosts that a word may name, with a scheme or without; undefined: some host, nobody knows which. */
export function hostsIn(text: Text): (string | undefined)[] {
  if (!text.every((part) => typeof part === "string")) return [undefined];
  return partsOf(text).flatMap((part) => {
    const word = part.join("");
    if (WITH_SCHEME.test(word)) return [hostOf(word)];
    const [, host] = DEVICE.exec(word) ?? BARE.exec(word) ?? [];
    return host === undefined ? [] : [hostOf(`http://${host}`)];
  });
}

/** Host names compare in lower case, without a port, brackets or the dot of the root. */
export function hostOf(url: string): string | undefined {
  const parsed = URL.parse(url) ?? URL.parse(`http://${url}`);
  return parsed?.hostname
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
    .toLowerCase();
}
