const PASSED = new Set(["PATH", "HOME", "LANG", "TERM", "TMPDIR", "TZ", "USER", "SHELL"]);

/**
 * What of the daemon's environment a child is given: a list of names, so that a new secret is never on it (03-A2).
 * Residual: a child of the same user can read `/proc/<daemon>/environ`, which holds what the daemon was started with.
 */
export function childEnvironment(
  hostEnv: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(hostEnv))
    if (value !== undefined && (PASSED.has(name) || name.startsWith("LC_"))) passed[name] = value;
  return passed;
}
