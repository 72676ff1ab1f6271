import type { Random } from "../../../kernel/random.ts";
import type { Op, Store } from "../../../kernel/store.ts";
import { textsOfKey } from "../../redaction/key-texts.ts";
import { AUDIT_KEY_RECORD, type MasterKey, openKey, type SealedKey, sealKey } from "../../secrets/index.ts";
import { AuditKeyError, parseSeed } from "./parse.ts";
import { KEY_STREAM, type RingKeys } from "./ring.ts";
import { createSigner, type Signer } from "./signer.ts";

const KEY = "KHEISH_EXTERNAL_ACTION_AUDIT_SIGNING_KEY";
const PREVIOUS = "KHEISH_EXTERNAL_ACTION_AUDIT_PREVIOUS_KEY";
const BOUNDARY = "KHEISH_EXTERNAL_ACTION_AUDIT_KEY_BOUNDARY";
const SEED_BYTES = 32;

/** Of the record of a key that daemons share. A backup leaves it out, as it does key files. */
export const SHARED_KEY_KIND = AUDIT_KEY_RECORD.kind;

type KeyDocument = { algorithm: "ed25519"; secret_key_hex: string };
/** In the clear only where there is no master key, and as daemons left it that knew of none. */
type KeptKey = KeyDocument | ({ algorithm: "ed25519" } & SealedKey);

export interface KeyPorts {
  env: Readonly<Record<string, string | undefined>>;
  store: Store;
  /** The store came out of a backup, and nobody has yet said that it takes its original's place. */
  isHeldCopy: boolean;
  /** Seals what daemons share; undefined where there is none. */
  masterKey: MasterKey | undefined;
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
 * has no record that another key signed (02-R81); on PostgreSQL, which daemons share, from the database, where the master
 * key seals it.
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
  const { store, keyFile, readFile, writeFile, warn, masterKey } = ports;
  const own = await readFile(keyFile);
  const isShared = own === undefined && store.engine === "postgres";
  const where = isShared ? "a key in the database" : keyFile;
  if (!isShared || masterKey === undefined)
    warn(
      `the audit is signed with ${where}: whoever can write there can forge the audit beside it; ${isShared ? "give the daemons a master key, which seals it, or " : ""}keep the key elsewhere with ${KEY}_FILE`,
    );
  if (own !== undefined) return signerOf(ports, own, where);
  if (isShared) return signerOf(ports, Buffer.from(JSON.stringify(await sharedKey(ports))), where);
  const made = Buffer.from(`${JSON.stringify(await newKey(ports))}\n`);
  await writeFile(keyFile, made.toString());
  return signerOf(ports, made, where);
}

async function sharedKey(ports: KeyPorts): Promise<KeyDocument> {
  const { store, masterKey } = ports;
  const { kind, id } = AUDIT_KEY_RECORD;
  for (;;) {
    const kept = await store.get<KeptKey>(kind, id);
    if (kept !== undefined && "sealed" in kept.data)
      return JSON.parse(await openKey(store, masterKey, kept.data.sealed)) as KeyDocument;
    if (kept !== undefined && masterKey === undefined) return kept.data as KeyDocument;
    const made = (kept?.data as KeyDocument | undefined) ?? (await newKey(ports).catch(ifNobodyMadeOne));
    if (made === undefined) continue;
    const { data, guard } = await keepable(ports, made);
    const expectedRevision = kept?.revision ?? 0;
    // Read again: it is kept now, by this daemon or by another one.
    await store.commit([...guard, { op: "put", kind, id, data, keys: {}, expectedRevision }]);
  }

  /** Another daemon may have made it, and signed with it, since this one looked. */
  async function ifNobodyMadeOne(error: unknown): Promise<undefined> {
    if ((await store.get(kind, id)) === undefined) throw error;
  }
}

async function keepable(
  { store, masterKey, random }: KeyPorts,
  key: KeyDocument,
): Promise<{ data: KeptKey; guard: Op[] }> {
  if (masterKey === undefined) return { data: key, guard: [] };
  const { sealed, guard } = await sealKey(store, masterKey, JSON.stringify(key), random);
  return { data: { algorithm: key.algorithm, sealed }, guard };
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
