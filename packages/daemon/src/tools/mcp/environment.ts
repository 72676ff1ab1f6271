import { childEnvironment } from "../bash/environment.ts";

export interface ChildEnvironmentSource {
  hostEnv: Readonly<Record<string, string | undefined>>;
  /** Whether a text holds a secret that the daemon knows. */
  holdsSecret: (text: string) => boolean;
}

/** The daemon's own settings, its keys and tokens among them, are nobody else's. */
const OWN_PREFIX = "KHEISH_";

/**
 * What a server's process starts with (03-A2): a few harmless names and what its entry says, or, only when the entry
 * asks for it, the daemon's environment without what holds a secret.
 */
export function serverEnvironment(
  entry: { inherit_env?: boolean | undefined; env: Readonly<Record<string, string>> },
  secrets: Readonly<Record<string, string>>,
  { hostEnv, holdsSecret }: ChildEnvironmentSource,
): Record<string, string> {
  const inherited =
    entry.inherit_env === true ? withoutSecrets(hostEnv, holdsSecret) : childEnvironment(hostEnv);
  return { ...inherited, ...entry.env, ...secrets };
}

function withoutSecrets(
  hostEnv: Readonly<Record<string, string | undefined>>,
  holdsSecret: (text: string) => boolean,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(hostEnv).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !entry[0].startsWith(OWN_PREFIX) && !holdsSecret(entry[1]),
    ),
  );
}
