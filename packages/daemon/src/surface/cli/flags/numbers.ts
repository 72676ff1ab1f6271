import { InvalidArgumentError } from "commander";

/** Parses a whole number of at least `smallest`. */
export function wholeNumber(smallest: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= smallest) return value;
    throw new InvalidArgumentError(`It must be a whole number of at least ${smallest}.`);
  };
}

/** Parses a number of at least `smallest`. */
export function decimalNumber(smallest = Number.NEGATIVE_INFINITY): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value) && value >= smallest) return value;
    throw new InvalidArgumentError(
      smallest === 0 ? "It must be a number of at least 0." : "It must be a number.",
    );
  };
}

/** Collects a flag that may be given several times. */
export function repeated(value: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), value];
}
