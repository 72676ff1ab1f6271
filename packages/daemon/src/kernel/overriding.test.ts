import { expect, test } from "vitest";
import { overriding } from "./overriding.ts";

class Base {
  #secret = 1;
  size = 1;
  read(): number {
    return this.#secret;
  }
  get doubled(): number {
    return this.size * 2;
  }
}
class Derived extends Base {
  write(by: number): string {
    this.size += by;
    return `wrote ${by}`;
  }
}

test("replaces what is named and leaves the rest with its object, inherited and private members too", () => {
  const target = new Derived();
  const seen: number[] = [];
  const wrapped = overriding<Derived>(target, {
    write(by) {
      seen.push(by);
      return target.write(by);
    },
  });
  expect(wrapped.write(2)).toBe("wrote 2");
  expect(seen).toEqual([2]);
  expect([wrapped.read(), wrapped.size, wrapped.doubled]).toEqual([1, 3, 6]);
  const { read } = wrapped;
  expect(read(), "a method that was taken off keeps its object").toBe(1);
  expect(target.write(1)).toBe("wrote 1");
  expect(wrapped.size).toBe(4);
});
