import type { Random } from "../../../kernel/random.ts";
import type { Store } from "../../../kernel/store.ts";
import { textsOfKey } from "../../redaction/key-texts.ts";
import { AuditKeyError, parseSeed } from "./parse.ts";
import { KEY_STREAM, type RingKeys } from "./ring.ts";
import { createSigner, type Signer } from "./signer.ts";

const KEY = "KHEISH_EXTERNAL_ACTION_AUDIT_SIGNING_KEY";
const PREVIOUS = "KHEISH_EXTERNAL_ACTION_AUDIT_PREVIOUS_KEY";
const BOUNDARY = "KHEISH_EXTERNAL_ACTION_AUDIT_KEY_BOUNDARY";
const SEED_BYTES = 32;

/** The record of a key that daemons share. A backup leaves it out, as it does key files. */
export const SHARED_KEY_KIND = "audit_signing_key";
const SHARED_KEY_ID = "current";

type KeyDocument = { algorithm: "ed25519"; secret_key_hex: string };

export interface KeyPorts {
  env: Readonly<Record<string, string | undefined>>;
  store: Store;
  /** The store came out of a backup, and nobody has yet said that it takes its original's place. */
  isHeldCopy: boolean;
  /** `audit-signing.key` under the state root. */
  keyFile: string;
  random: Random;
  /** Undefined when there is no such file. */
  readFile: (path: string) => Promise<Uint8Array | undefined>;
  /** Whole or not at all, for the owner alone. */
  writeFile: (path: string, content: string) => Promise<void>;
  warn: (message: string) => void;
  /** Hears of every key before it is used, in each of its forms. */
  holdSecrets: (keyId: string, texts: readonly string[]) => void;
}

/**
 * The key from the environment or the file that it names, else from the state root, where one is made when the store
 * has no record that another key signed (02-R81); on PostgreSQL, which daemons share, from the database.
 *
 * Backups leave the key out. Whoever restored one without it has lost it, by a command and knowing so: the copy gets a
 * key of its own, and its ring says that nothing connects it with the one before.
 */
export async function loadSigningKeys(ports: KeyPorts): Promise<RingKeys> {
  const previous = await given(ports, PREVIOUS);
  const signer = await given(ports, KEY);
  return {
    signer: signer ?? (await ofDaemon(ports)),
    ...(previous === undefined ? {} : { previous }),
    declareBoundary: ports.env[BOUNDARY] === "true" || (signer === undefined && ports.isHeldCopy),
  };
}

async function given(ports: KeyPorts, name: string): Promise<Signer | undefined> {
  const { env, readFile } = ports;
  const inline = env[name]?.trim() || undefined;
  const path = env[`${name}_FILE`]?.trim() || undefined;
  if (inline !== undefined && path !== undefined)
    throw new AuditKeyError(`${name} and ${name}_FILE are both set; set one`);
  if (inline !== undefined) return signerOf(ports, Buffer.from(inline), name);
  if (path === undefined) return undefined;
  const content = await readFile(path).catch((cause: unknown) => {
    throw new AuditKeyError(`the file that ${name}_FILE names cannot be read`, { cause });
  });
  if (content === undefined) throw new AuditKeyError(`the file that ${name}_FILE names does not exist`);
  return signerOf(ports, content, `${name}_FILE`);
}

/** Daemons on one PostgreSQL have a state root each: what the first of them makes lies where all of them look. */
async function ofDaemon(ports: KeyPorts): Promise<Signer> {
  const { store, keyFile, readFile, writeFile, warn } = ports;
  const own = await readFile(keyFile);
  const isShared = own === undefined && store.engine === "postgres";
  const where = isShared ? "a key in the database" : keyFile;
  warn(
    `the audit is signed with ${where}: whoever can write there can forge the audit beside it; keep the key elsewhere with ${KEY}_FILE`,
  );
  if (own !== undefined) return signerOf(ports, own, where);
  if (isShared) return signerOf(ports, Buffer.from(JSON.stringify(await sharedKey(ports))), where);
  const made = Buffer.from(`${JSON.stringify(await newKey(ports))}\n`);
  await writeFile(keyFile, made.toString());
  return signerOf(ports, made, where);
}

async function sharedKey(ports: KeyPorts): Promise<KeyDocument> {
  const { store } = ports;
  for (;;) {
    const kept = await store.get<KeyDocument>(SHARED_KEY_KIND, SHARED_KEY_ID);
    if (kept !== undefined) return kept.data;
    const made = await newKey(ports).catch(async (error: unknown) => {
      // Another daemon may have made it, and signed with it, since this one looked.
      if ((await store.get(SHARED_KEY_KIND, SHARED_KEY_ID)) !== undefined) return undefined;
      throw error;
    });
    if (made === undefined) continue;
    const put = { kind: SHARED_KEY_KIND, id: SHARED_KEY_ID, data: made, keys: {}, expectedRevision: 0 };
    await store.commit([{ op: "put", ...put }]);
  }
}

async function newKey({ store, isHeldCopy, keyFile, random, warn }: KeyPorts): Promise<KeyDocument> {
  const isUsed = (await store.streamHead(KEY_STREAM)) > 0;
  if (isUsed && !isHeldCopy)
    throw new AuditKeyError(
      `this store holds audit records, and the key that signed them is missing: ${keyFile} does not exist and ${KEY}[_FILE] is not set. Restore the key; daemons on one store share it`,
    );
  if (isUsed)
    warn(
      `the key that signed the audit of this restored copy did not come with it. A new one signs from 'serve --resume-restored' on, and nothing connects it with the old one. To go on with the old key, put it in ${keyFile} before`,
    );
  return { algorithm: "ed25519", secret_key_hex: random.hex(SEED_BYTES) };
}

function signerOf({ holdSecrets }: KeyPorts, content: Uint8Array, where: string): Signer {
  const seed = parseSeed(content);
  if (seed === undefined)
    throw new AuditKeyError(
      `${where} holds no Ed25519 key: give its 32 bytes raw, as hex, base64 or base64url, or the JSON key file`,
    );
  const signer = createSigner(seed);
  holdSecrets(signer.keyId, textsOfKey(seed));
  return signer;
}
