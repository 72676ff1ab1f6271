/** What says who asks, on whose behalf and over which connection is the daemon's to say, never a reply target's. */
const DROPPED = new Set([
  ...["authorization", "cookie", "cookie2", "set-cookie", "host", "forwarded", "via", "x-real-ip"],
  ...[
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "expect",
  ],
]);
const DROPPED_PREFIXES = ["x-forwarded-", "proxy-", "sec-"];

/** The headers of a reply target that go out with a delivery (02-R92); names in lower case. */
export function replyHeaders(given: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(given)
    .map(([name, value]) => [name.toLowerCase().trim(), value] as const)
    .filter(([name]) => !DROPPED.has(name) && !DROPPED_PREFIXES.some((prefix) => name.startsWith(prefix)));
  return Object.fromEntries(kept);
}
