/**
 * An object of which some members are replaced and all others are its own, those of tomorrow too. Methods keep their
 * object, so that private fields stay reachable.
 */
export function overriding<T extends object>(target: T, overrides: Partial<T>): T {
  const bound = new Map<PropertyKey, unknown>();
  return new Proxy(target, {
    get(object, key) {
      if (Object.hasOwn(overrides, key)) return Reflect.get(overrides, key);
      const member: unknown = Reflect.get(object, key);
      if (typeof member !== "function") return member;
      const known = bound.get(key);
      if (known !== undefined) return known;
      const method = member.bind(object);
      bound.set(key, method);
      return method;
    },
  });
}
