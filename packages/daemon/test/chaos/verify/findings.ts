/** What a chaos run must never show. */
export const faultKinds = ["lost", "repeated", "gaps", "duplicates", "outlived"] as const;
export type FaultKind = (typeof faultKinds)[number];

/** Everything that was found to be wrong, each with a sentence that says where. */
export class Findings {
  readonly #found: { kind: FaultKind; sentence: string }[] = [];

  add(kind: FaultKind, sentence: string): void {
    this.#found.push({ kind, sentence });
  }

  count(kind: FaultKind): number {
    return this.#found.filter((finding) => finding.kind === kind).length;
  }

  get sentences(): string[] {
    return this.#found.map(({ kind, sentence }) => `${kind}: ${sentence}`);
  }
}
