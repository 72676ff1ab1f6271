import picomatch from "picomatch/posix.js";

/**
 * A glob over paths relative to the search's base. `*` stays within a directory, `**` crosses them, names that begin
 * with a dot match like any other; a pattern without a slash is about the file's name, at any depth.
 */
export function compileGlob(pattern: string): (path: string) => boolean {
  return picomatch(pattern, {
    dot: true,
    basename: !pattern.includes("/"),
    posix: true,
    strictBrackets: true,
    debug: true,
    flags: "s",
  });
}

/** Why a glob can match nothing here, or undefined. */
export function globProblem(pattern: string): string | undefined {
  if (pattern.startsWith("/")) return "a glob is relative to 'base'; it may not begin with '/'";
  if (pattern.split("/").includes("..")) return "a glob may not go up with '..'; use 'base'";
  return undefined;
}

/** Escapes that mean something else without the `u` flag, so that falling back would change the pattern. */
const NEEDS_UNICODE = /\\(?:[pP]\{|u\{)/;

/**
 * A JavaScript regular expression, `(?i)` at its start for either case. It runs with the `u` flag;
 * one that is valid only without it (`\-`, `\_`) runs without. Throws a SyntaxError for anything else.
 */
export function compileRegex(pattern: string): RegExp {
  const ignoreCase = pattern.startsWith("(?i)");
  const source = ignoreCase ? pattern.slice("(?i)".length) : pattern;
  const flags = ignoreCase ? "i" : "";
  try {
    return new RegExp(source, `${flags}u`);
  } catch (error) {
    if (NEEDS_UNICODE.test(source)) throw error;
    return new RegExp(source, flags);
  }
}

/** Why a regular expression is not one, or undefined. */
export function regexProblem(pattern: string): string | undefined {
  try {
    compileRegex(pattern);
    return undefined;
  } catch (error) {
    return error instanceof SyntaxError ? error.message : String(error);
  }
}
