import { createPublicKey, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkpointInput, signCheckpoint } from "./checkpoint.ts";
import { createSigner, createSynchronousSigner, Verifier } from "./keys/signer.ts";
import {
  bucketOf,
  hashInput,
  recordHash,
  signatureInput,
  signedRecord,
  type UnsignedRecord,
} from "./record.ts";

/** The secret key of test 1 of RFC 8032, 7.1. */
const SEED = Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex");
const KEY_ID = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const signer = createSynchronousSigner(SEED);

const FIRST: UnsignedRecord = {
  timestamp_ms: 1_700_000_000_000,
  session_id: "s-1",
  run_id: "run-1",
  phase: "request",
  kind: "web_fetch",
  target: "https://example.com:8443",
  request_digest: "ab".repeat(32),
};
const NEXT: UnsignedRecord = {
  ...FIRST,
  agent_id: "agent-1",
  tool_call_id: 'call "1"\n\u0001é\u2028',
  principal_id: "admin",
  parent_principal_id: "daemon",
  grant_id: "-grant",
  phase: "failed",
  response_digest: "cd".repeat(32),
  outcome: "failed:timeout",
  prev_hash: recordHash(FIRST),
};

describe("the bytes of a record", () => {
  it("02-R76 are compact JSON in a fixed order, absent members null, an absent grant left out", () => {
    expect(hashInput(FIRST)).toBe(
      `{"timestamp_ms":1700000000000,"session_id":"s-1","agent_id":null,"run_id":"run-1","tool_call_id":null,"principal_id":null,"parent_principal_id":null,"phase":"request","kind":"web_fetch","target":"https://example.com:8443","request_digest":"${"ab".repeat(32)}","response_digest":null,"outcome":null,"prev_hash":null}`,
    );
    expect(recordHash(FIRST)).toBe("4a8440e3e10935ad391561058aa46bf3a5652d211cfdd0f9f143335d5c766579");
  });

  it("02-R76 hold a grant that is there behind the principals, and escape as JSON does", () => {
    expect(hashInput(NEXT)).toBe(
      `{"timestamp_ms":1700000000000,"session_id":"s-1","agent_id":"agent-1","run_id":"run-1","tool_call_id":"call \\"1\\"\\n\\u0001é\u2028","principal_id":"admin","parent_principal_id":"daemon","grant_id":"-grant","phase":"failed","kind":"web_fetch","target":"https://example.com:8443","request_digest":"${"ab".repeat(32)}","response_digest":"${"cd".repeat(32)}","outcome":"failed:timeout","prev_hash":"${NEXT.prev_hash}"}`,
    );
    expect(recordHash(NEXT)).toBe("0dbe177b1b3ba99c464821e2d728a290be5e57774f48d2ced3c44249ca7cd27e");
  });

  it("02-R77 are signed behind their id, algorithm, key and hash", () => {
    const hash = recordHash(FIRST);
    expect(signatureInput(FIRST, hash, KEY_ID)).toBe(
      `{"action_id":"${hash}","signature_alg":"ed25519","key_id":"${KEY_ID}","record_hash":"${hash}",${hashInput(FIRST).slice(1)}`,
    );
    expect(signer.keyId).toBe(KEY_ID);
    const signature = signer.sign(signatureInput(FIRST, hash, KEY_ID)) as string;
    expect(signature).toBe(
      "b75ac1ee2632840b85e33d1f92329d9d36d6c062b0e1d561f4bb09d91c1ea16cb378a09f3528f332178ea6196f469d4ef5ba666491d6af60e206dc888e04b70b",
    );
    expect(signedRecord(FIRST, hash, KEY_ID, signature)).toEqual({
      ...FIRST,
      action_id: hash,
      record_hash: hash,
      signature_alg: "ed25519",
      key_id: KEY_ID,
      signature,
    });
  });

  it("02-R77 a checkpoint leaves an absent last hash out", async () => {
    const empty = { bucket: "run-1", record_count: 0, key_id: KEY_ID };
    expect(checkpointInput(empty)).toBe(
      `{"bucket":"run-1","record_count":0,"signature_alg":"ed25519","key_id":"${KEY_ID}"}`,
    );
    const last_record_hash = recordHash(NEXT);
    const made = await signCheckpoint(signer, { bucket: "run-1", record_count: 2, last_record_hash });
    expect(checkpointInput(made)).toBe(
      `{"bucket":"run-1","record_count":2,"last_record_hash":"${last_record_hash}","signature_alg":"ed25519","key_id":"${KEY_ID}"}`,
    );
    expect(new Verifier().isValid(checkpointInput(made), KEY_ID, made.signature)).toBe(true);
  });

  it("02-R75 go to the bucket of the run, else of the session, else of nobody", () => {
    expect(bucketOf({ run_id: "run-1", session_id: "s" })).toBe("run-1");
    expect(bucketOf({ session_id: "s" })).toBe("session-s");
    expect(bucketOf({})).toBe("unscoped");
  });
});

describe("signatures", () => {
  it("are those of RFC 8032, beside the event loop and on it", async () => {
    const rfc =
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
    expect(signer.sign("")).toBe(rfc);
    expect(await createSigner(SEED).sign("")).toBe(rfc);
  });

  it("are checked by whoever has the public key, with any implementation", () => {
    const message = hashInput(NEXT);
    const key = createPublicKey({
      key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(KEY_ID, "hex").toString("base64url") },
      format: "jwk",
    });
    const signature = signer.sign(message) as string;
    expect(verify(null, Buffer.from(message), key, Buffer.from(signature, "hex"))).toBe(true);
    expect(new Verifier().isValid(message, KEY_ID, signature)).toBe(true);
    expect(new Verifier().isValid(`${message} `, KEY_ID, signature)).toBe(false);
    expect(new Verifier().isValid(message, "00".repeat(32), signature)).toBe(false);
    expect(new Verifier().isValid(message, KEY_ID, signature.toUpperCase())).toBe(false);
  });
});
