import { createHash, timingSafeEqual } from "node:crypto";
import type { Random } from "../../kernel/random.ts";

/**
 * What a browser presents: a cookie that no script can read, and a key that only pages of one origin have. Cookies know
 * no ports, so another server on this machine may be sent the cookie; without the key it gets nowhere. A page that is
 * not ours has neither.
 */
export interface Presented {
  id: string;
  cookie: string;
  key: string;
}

const ID_BYTES = 8;
const SECRET_BYTES = 32;
const KEY = /^([0-9a-f]{16})\.([0-9a-f]{64})$/;
const COOKIE_PREFIX = "kheish_";

export function newCredentials(random: Random): Presented {
  return { id: random.hex(ID_BYTES), cookie: random.hex(SECRET_BYTES), key: random.hex(SECRET_BYTES) };
}

/** As the page sends it; it names the cookie that goes with it, so that daemons on one machine do not mix theirs up. */
export function keyText({ id, key }: Presented): string {
  return `${id}.${key}`;
}

export function cookieName(id: string): string {
  return COOKIE_PREFIX + id;
}

/** The key and its cookie; undefined where either is missing. */
export function presentedIn(header: string | undefined, cookies: string | undefined): Presented | undefined {
  const [, id, key] = KEY.exec(header?.trim() ?? "") ?? [];
  if (id === undefined || key === undefined) return undefined;
  const prefix = `${cookieName(id)}=`;
  const cookie = cookies
    ?.split(";")
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(prefix))
    ?.slice(prefix.length);
  return cookie === undefined ? undefined : { id, cookie, key };
}

/** 256 random bits each: nothing but the two themselves leads to their digest. */
export function proofOf({ cookie, key }: Presented): string {
  return createHash("sha256").update(`${cookie}.${key}`, "utf8").digest("hex");
}

/** In constant time. */
export function proves(presented: Presented, digest: string): boolean {
  return timingSafeEqual(Buffer.from(digest, "hex"), Buffer.from(proofOf(presented), "hex"));
}
