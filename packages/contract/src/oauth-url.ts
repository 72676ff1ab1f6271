const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** Query keys whose values are secrets, without case and separators. */
const SECRET_KEYS = new Set([
  "accesstoken",
  "apikey",
  "assertion",
  "auth",
  "authorization",
  "bearer",
  "clientassertion",
  "clientsecret",
  "code",
  "credential",
  "credentials",
  "idtoken",
  "jwt",
  "key",
  "passwd",
  "password",
  "refreshtoken",
  "secret",
  "sessiontoken",
  "sig",
  "signature",
  "token",
]);

/**
 * Why a URL must not have a part in a login or a refresh; undefined when it may (02-R61): `https`, or `http` on this very
 * machine, and nothing secret in it. Says what is wrong and never quotes the URL.
 */
export function oauthUrlProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return "is not an absolute URL";
  const url = new URL(text);
  const isLocal = url.protocol === "http:" && LOOPBACK.has(url.hostname);
  if (url.protocol !== "https:" && !isLocal) return "must be https, or http on 127.0.0.1, localhost or ::1";
  if (url.username !== "" || url.password !== "") return "must not hold a user name or a password";
  if (url.hash !== "" || text.includes("#")) return "must not have a fragment";
  const secret = [...url.searchParams.keys()].find((key) =>
    SECRET_KEYS.has(key.toLowerCase().replace(/[^a-z0-9]/g, "")),
  );
  return secret === undefined ? undefined : "must not carry a secret in its query";
}

/** Whether two resource identifiers mean the same one: a slash at the end makes no difference (02-R62). */
export function isSameResource(one: string, other: string): boolean {
  return withoutSlash(one) === withoutSlash(other);
}

function withoutSlash(text: string): string {
  const normal = URL.canParse(text) ? new URL(text).href : text;
  return normal.replace(/\/+$/, "");
}
