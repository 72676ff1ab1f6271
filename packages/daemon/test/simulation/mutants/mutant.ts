/** A deliberate fault: one place of the source as it should be, and as it must not be. */
export interface Mutant {
  name: string;
  /** What would go wrong for a user. */
  fault: string;
  /** Below packages/daemon/src. */
  file: string;
  /** Stands there exactly once. */
  find: string;
  replace: string;
}
