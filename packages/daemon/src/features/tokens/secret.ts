import { createHash, timingSafeEqual } from "node:crypto";
import type { Random } from "../../kernel/random.ts";

/**
 * A token names its record and then proves that it is known: `kheish_<id>_<secret>`. The prefix lets a scanner find
 * one that was leaked, the id makes the lookup public, so that only the secret is compared.
 */
const TOKEN = /^kheish_([0-9a-f]{16})_[0-9a-f]{64}$/;
const ID_BYTES = 8;
const SECRET_BYTES = 32;

export function newToken(random: Random): { tokenId: string; secret: string } {
  const id = random.hex(ID_BYTES);
  return { tokenId: `tok_${id}`, secret: `kheish_${id}_${random.hex(SECRET_BYTES)}` };
}

/** The record that a presented token claims to belong to; undefined when it is no named token at all. */
export function claimedId(presented: string): string | undefined {
  const id = TOKEN.exec(presented)?.[1];
  return id === undefined ? undefined : `tok_${id}`;
}

/** 256 random bits need no slow hash: nothing but the token itself leads to its digest. */
export function digestOf(secret: string): string {
  return createHash("sha256").update(secret, "utf8").digest("hex");
}

/** In constant time. */
export function isSameDigest(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one, "hex"), Buffer.from(other, "hex"));
}
