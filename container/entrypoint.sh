#!/bin/sh
# Starts Kheish in a container, after it has refused what would run less safely than it looks: one line, exit 64.
# Without a command, or with nothing but flags, it serves. The command line wins over the environment.
set -eu
umask 077

refuse() {
  printf 'kheish-entrypoint: %s\n' "$1" >&2
  exit 64
}

# given FLAG ARGUMENT...: sets $value to what the flag has on the command line; false when it does not stand there.
given() {
  wanted=$1
  shift
  value=
  found=1
  while [ $# -gt 0 ]; do
    case $1 in
      "$wanted")
        [ $# -gt 1 ] || refuse "$wanted needs a value"
        value=$2
        found=0
        shift
        ;;
      "$wanted="*)
        value=${1#"$wanted="}
        found=0
        ;;
    esac
    shift
  done
  return "$found"
}

# setting FLAG FALLBACK ARGUMENT...: sets $value to the flag's, else to the environment's.
setting() {
  flag=$1
  fallback=$2
  shift 2
  given "$flag" "$@" || value=$fallback
}

absolute() {
  case $2 in
    /*) ;;
    *) refuse "$1 must be an absolute path" ;;
  esac
}

# usable NAME FILE: a secret's file is there, is a file, and says something.
usable() {
  [ -f "$2" ] || refuse "$1: $2 is not a regular file"
  [ -r "$2" ] || refuse "$1: $2 cannot be read by user $(id -u)"
  [ -s "$2" ] || refuse "$1: $2 is empty"
}

# one_source NAME INLINE FILE: a secret stands in one place.
one_source() {
  [ -z "$2" ] || [ -z "$3" ] || refuse "$1 is given inline and as a file: keep one of them"
  [ -z "$3" ] || usable "$1" "$3"
}

# token NAME FLAG INLINE FILE ARGUMENT...: checks a role's token; sets $value when there is one.
token() {
  name=$1
  token_flag=$2
  inline=$3
  file=$4
  shift 4
  on_line=
  if given "$token_flag" "$@"; then on_line=$value; fi
  if given "$token_flag-file" "$@"; then
    inline=$on_line
    file=$value
  elif [ -n "$on_line" ]; then
    inline=$on_line
    file=
  fi
  one_source "$name" "$inline" "$file"
  value=$inline$file
}

is_loopback() {
  case $1 in
    localhost:* | "[::1]:"*) return 0 ;;
    127.*[!0-9.:]*) return 1 ;;
    127.*) return 0 ;;
    *) return 1 ;;
  esac
}

case ${1-} in
  '' | -*) set -- serve "$@" ;;
esac
case $1 in
  serve | start | up) ;;
  *) exec kheish "$@" ;;
esac

setting --state-root "${KHEISH_STATE_ROOT-}" "$@"
state_root=$value
absolute 'the state root (KHEISH_STATE_ROOT)' "$state_root"
setting --workspace-root "${KHEISH_WORKSPACE_ROOT-}" "$@"
workspace_root=$value
absolute 'the workspace root (KHEISH_WORKSPACE_ROOT)' "$workspace_root"
setting --routes-file "${KHEISH_ROUTES_FILE-}" "$@"
if [ -n "$value" ]; then absolute 'the routes file (KHEISH_ROUTES_FILE)' "$value"; fi

# Agents work in the workspace: what the daemon knows must be neither there nor below.
real_state=$(realpath -m -- "$state_root")
real_workspace=$(realpath -m -- "$workspace_root")
case $real_state/ in
  "$real_workspace"/) refuse 'the state root and the workspace root are the same directory' ;;
  "${real_workspace%/}"/*) refuse 'the state root lies inside the workspace root, where agents could read it' ;;
esac

token 'the admin token' --http-admin-token \
  "${KHEISH_DAEMON_ADMIN_TOKEN-}" "${KHEISH_DAEMON_ADMIN_TOKEN_FILE-}" "$@"
admin_token=$value
token 'the read-only token' --http-readonly-token \
  "${KHEISH_DAEMON_READONLY_TOKEN-}" "${KHEISH_DAEMON_READONLY_TOKEN_FILE-}" "$@"
one_source 'the client token' "${KHEISH_DAEMON_TOKEN-}" "${KHEISH_DAEMON_TOKEN_FILE-}"
one_source 'the auth store master key' \
  "${KHEISH_AUTH_STORE_MASTER_KEY-}" "${KHEISH_AUTH_STORE_MASTER_KEY_FILE-}"
one_source 'the audit signing key' \
  "${KHEISH_EXTERNAL_ACTION_AUDIT_SIGNING_KEY-}" "${KHEISH_EXTERNAL_ACTION_AUDIT_SIGNING_KEY_FILE-}"
one_source 'the debug capture key' "${KHEISH_DEBUG_CAPTURE_KEY-}" "${KHEISH_DEBUG_CAPTURE_KEY_FILE-}"
one_source 'the list of debug redaction tokens' \
  "${KHEISH_DEBUG_REDACT_TOKENS-}" "${KHEISH_DEBUG_REDACT_TOKENS_FILE-}"

setting --bind "${KHEISH_BIND:-127.0.0.1:4000}" "$@"
if ! is_loopback "$value"; then
  bind=$value
  setting --http-auth-mode "${KHEISH_HTTP_AUTH_MODE:-auto}" "$@"
  if [ "$value" != bearer ] && [ "${KHEISH_ALLOW_INSECURE_NON_LOOPBACK-}" != true ]; then
    refuse "binding $bind needs the auth mode bearer (or KHEISH_ALLOW_INSECURE_NON_LOOPBACK=true)"
  fi
  [ -n "$admin_token" ] || refuse "binding $bind needs an admin token: set KHEISH_DAEMON_ADMIN_TOKEN_FILE"
fi

exec kheish "$@"
