// biome-ignore-start lint/suspicious/noTemplateCurlyInString: expansions of the shell
/**
 * Commands that start `PWN` while they look like `ok`, `cat` and `echo`, each in a way of its own. Bash does start it:
 * the test asks it. `NAME` is a variable with something in it.
 */
export const SMUGGLED: readonly string[] = [
  // A sum evaluates what a variable holds.
  "ok ${b:='a[$(PWN)]'} ${NAME:b}",
  "ok ${b:='a[$(PWN)]'} ${!b}",
  "for b in 'a[$(PWN)]'; do ok ${NAME:b}; done",
  "for b in 'a[$(PWN)]'; do ok \"${NAME:0:b}\"; done",
  "for b in 'a[$(PWN)]'; do ok ${x[b]}; done",
  "for b in 'a[$(PWN)]'; do ok ${!b}; done",
  "for b in 'a[$(PWN)]'; do ok $((b)); done",
  "for b in 'a[$(PWN)]'; do ok {a[b]}>/dev/null; done",
  "for b in 'a[$(PWN)]'; do [[ b -eq 0 ]]; done",
  "for b in 'a[$(PWN)]'; do test -v \"$b\"; done",
  "for b in 'a[$(PWN)]'; do test -v 'x[b]'; done",
  "for b in 'a[$(PWN)]'; do read \"$b\" <<< x; done",
  "for b in 'a[$(PWN)]'; do read 'x[b]' <<< x; done",
  "for b in 'a[$(PWN)]'; do let b; done",
  "b='a[$(PWN)]'; x[b]=1",
  "b='a[$(PWN)]'; x=([b]=1)",
  "b='a[$(PWN)]'; declare -a 'x[b]=1'",
  "b='a[$(PWN)]'; declare -n r=\"$b\"; echo $r",
  "declare -i n; n='a[$(PWN)]'",
  // A slash ends the pattern for one reader, and is one of a path for the other.
  "ok ${NAME/$(PWN)/y}",
  "ok ${NAME//$(PWN)}",
  "ok ${NAME/`PWN`/y}",
  // Within a here-document quotes are letters.
  "cat <<X\n${none:-'$(PWN)'}\nX",
  "cat <<X\n${NAME:+'`PWN`'}\nX",
  "cat <<X\n${NAME:+${NAME:+'$(PWN)'}}\nX",
  // A shell reads the last of its inputs, and not the other numbers.
  "bash <<< 'ok' <<< 'PWN'",
  "bash 3<<< 'ok' <<< 'PWN'",
  "bash <<'A' <<'B'\nok\nA\nPWN\nB",
  "time bash <<< ok <<< PWN",
  "bash <<-'A'\n\tcat <<'B'\n\tB\n\tPWN\n\tC\nA",
  "echo PWN | bash -",
  "echo PWN | bash /dev/stdin",
  "echo PWN | bash /proc/self/fd/0",
  "echo PWN | bash /tmp/../dev/stdin",
  ". /dev/stdin <<< PWN",
  "source -- /dev/fd/0 <<< PWN",
  "bash /dev/fd/3 3<<< PWN",
  // Options that take the next word, wherever they stand, and words that end the options.
  "bash -c - PWN",
  "bash -Oc extglob PWN",
  "bash -oc pipefail PWN",
  "trap -- PWN EXIT",
  "builtin trap -- PWN EXIT",
  // Names that mean something else from here on, and texts that are evaluated later.
  "shopt -s expand_aliases\nalias g=PWN\ng",
  "sh -c 'alias g=PWN\ng'",
  "hash -p PWN x; x",
  "mapfile -C 'PWN #' -c 1 x <<< a",
  "compgen -W '$(PWN)'",
  "PS4='$(PWN)'; set -x; true",
  "for PS4 in '$(PWN)'; do set -x; true; done",
  "a[0]=1 PWN",
];

/** Programs that start others; not every machine has them. */
export const STARTED_BY: readonly string[] = [
  "/lib64/ld-linux-x86-64.so.2 PWN",
  "chrt -o 0 PWN",
  "choom -n 1 PWN",
  "csh -c PWN",
  "fakeroot PWN",
  "fish -c PWN",
  "linux64 PWN",
  "nsenter -t 1 -n PWN",
  "pkexec PWN",
  "prlimit --nofile=10 PWN",
  "script -qc PWN /dev/null",
  "setarch -R PWN",
  "setpriv --reuid 1 PWN",
  "sg users -c PWN",
  "su -c PWN",
  "su bob -c 'PWN x'",
  "systemd-run --user PWN",
  "taskset -c 0 PWN",
  "unbuffer PWN",
  "xvfb-run -a PWN",
];

/** What an honest agent writes: still seen for what it is. */
export const HONEST: readonly string[] = [
  'ok "${NAME:-x}" ${NAME:0:3} "${#NAME}" ${NAME%.*} ${NAME^^}',
  "ok ${NAME/a/b} ${NAME//${HOME}/y} ${list[0]} ${list[@]:1} ${!list[@]}",
  "echo $((1 + 2)) '$(not run)' \"${NAME/x/$(ok)}\"",
  "cat <<'X'\n$(not run) ${NAME:+'`'}\nX",
  "cat <<X\nit's ${NAME:-none} \\$(not run)\nX",
  "bash <<< 'ok'",
  "bash <<-'A'\nok\nA",
  "bash -c 'ok'",
  'for f in a b; do ok "$f"; done',
];
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: expansions of the shell
