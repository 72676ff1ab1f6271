/** Rejects with what was waited for when it does not come in time. */
export async function within<T>(ms: number, what: string, wanted: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`waited ${ms / 1_000} s in vain for ${what}`)), ms);
  try {
    return await Promise.race([wanted, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
