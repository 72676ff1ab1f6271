/** picomatch brings no types; this is the part of it that we use. */
declare module "picomatch/posix.js" {
  interface PicomatchOptions {
    /** Match names that begin with a dot like any other. */
    dot?: boolean;
    /** Match a pattern without a slash against the last part of the path. */
    basename?: boolean;
    /** Brackets as bash has them: `[!a]`, `[[:digit:]]`. */
    posix?: boolean;
    /** Throw on an unbalanced bracket. */
    strictBrackets?: boolean;
    /** Flags of the regular expression made from the pattern. */
    flags?: string;
    /** Throw on a pattern that makes no valid regular expression. */
    debug?: boolean;
  }
  export default function picomatch(pattern: string, options?: PicomatchOptions): (path: string) => boolean;
}
