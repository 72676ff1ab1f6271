import { randomBytes } from "node:crypto";

/** Randomness comes in by argument, so that a seed can decide it. */
export interface Random {
  /** `bytes` random bytes, lower-case hex. */
  hex(bytes: number): string;
  /** Uniform in [0, 1). */
  unit(): number;
}

export const systemRandom: Random = {
  hex: (bytes) => randomBytes(bytes).toString("hex"),
  unit: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};
