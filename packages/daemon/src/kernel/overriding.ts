/**
 * An object of which some members are replaced and all others are its own, those of tomorrow too. Methods keep their
 * object, so that private fields stay reachable; other members are looked up where they are each time.
 */
export function overriding<T extends object>(target: T, overrides: Partial<T>): T {
  const made: object = {};
  for (const key of memberNames(target)) {
    const member: unknown = Reflect.get(target, key);
    const descriptor =
      typeof member === "function" ? { value: member.bind(target) } : { get: () => Reflect.get(target, key) };
    Object.defineProperty(made, key, { ...descriptor, enumerable: true, configurable: true });
  }
  for (const [key, value] of Object.entries(overrides))
    Object.defineProperty(made, key, { value, enumerable: true, configurable: true });
  return made as T;
}

function memberNames(target: object): Set<PropertyKey> {
  const names = new Set<PropertyKey>();
  for (
    let level: object | null = target;
    level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level)
  )
    for (const name of Reflect.ownKeys(level)) if (name !== "constructor") names.add(name);
  return names;
}
