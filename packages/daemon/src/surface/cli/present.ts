type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the members that are undefined: an absent option and an undefined one are not the same type. */
export function present<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as Present<T>;
}
