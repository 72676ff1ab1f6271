import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { REDACTED, Redactor } from "./redactor.ts";

const SECRET = "k3y/with+odd chars?&=~'\"\\ü";
const redactor = (...secrets: string[]) => {
  const made = new Redactor();
  made.hold("slot", secrets);
  return made;
};

describe("02-R93: a known secret", () => {
  it.each<[string, (text: string) => string]>([
    ["as it is", (text) => text],
    ["base64", (text) => Buffer.from(text).toString("base64")],
    ["base64url", (text) => Buffer.from(text).toString("base64url")],
    ["URL-encoded", encodeURIComponent],
    [
      "URL-encoded in lower case",
      (text) => encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase()),
    ],
    ["as a form field", (text) => new URLSearchParams({ x: text }).toString().slice(2)],
    ["in JSON", (text) => JSON.stringify(text)],
    ["hex", (text) => Buffer.from(text).toString("hex")],
    ["after a user name in basic auth", (text) => Buffer.from(`user:${text}`).toString("base64")],
    ["between others in base64", (text) => Buffer.from(`ab${text}xyz`).toString("base64")],
  ])("is taken out %s", (_name, encode) => {
    const clean = redactor(SECRET).text(`before ${encode(SECRET)} after`);
    expect(clean).toContain(REDACTED);
    expect(clean).toMatch(/^before .* after$/);
    for (const part of ["odd", encode(SECRET), Buffer.from(SECRET).toString("base64").slice(4, 20)]) {
      expect(clean).not.toContain(part);
    }
  });

  it("is taken out of base64 wherever it stands in the encoded text", () => {
    const text = fc.string({ maxLength: 7 });
    fc.assert(
      fc.property(fc.string({ minLength: 12, maxLength: 40 }), text, text, (secret, before, after) => {
        fc.pre(secret.trim() === secret);
        const around = Buffer.from(`${before}${secret}${after}`).toString("base64");
        const core = Buffer.from(secret).toString("base64").slice(0, -4);
        const clean = redactor(secret).text(around);
        expect(clean).toContain(REDACTED);
        expect(clean.includes(core) && core.length > 8).toBe(false);
      }),
    );
  });

  it("02, weakness 24: with many lines is taken out line by line, and a very long one whole", () => {
    const pem = `-----BEGIN KEY-----\n${"a1b2c3d4".repeat(8)}\n${"z9y8x7w6".repeat(8)}\n-----END KEY-----\n`;
    const clean = redactor(pem).text(`line two is ${"z9y8x7w6".repeat(8)}, framed by -----END KEY-----`);
    expect(clean).toBe(`line two is ${REDACTED}, framed by -----END KEY-----`);
    const long = "0123456789abcdef".repeat(600);
    expect(redactor(long).text(`<${long}>`)).toBe(`<${REDACTED}>`);
  });

  it("02, weakness 24: of four or five characters is taken out where it stands alone", () => {
    const short = redactor("hunt2");
    expect(short.text("password=hunt2, hunt2; hunt22 xhunt2")).toBe(
      `password=${REDACTED}, ${REDACTED}; hunt22 xhunt2`,
    );
    expect(redactor("abc", " ").text("abc def")).toBe("abc def");
  });

  it("is still taken out after it was replaced or deleted", () => {
    const made = redactor("the-first-secret");
    made.hold("slot", ["the-second-secret"]);
    expect(made.text("the-first-secret the-second-secret")).toBe(`${REDACTED} ${REDACTED}`);
    made.hold("slot", []);
    expect(made.text("the-second-secret")).toBe(REDACTED);
  });

  it("that contains another one leaves nothing of itself", () => {
    expect(redactor("inner-secret", "an inner-secret with more").text("an inner-secret with more")).toBe(
      REDACTED,
    );
  });

  it("is taken out of the strings and names of a value, which is the same when there was none", () => {
    const made = redactor("some-secret");
    expect(made.json({ a: ["some-secret", 1, null], "some-secret": { b: "x some-secret" } })).toEqual({
      a: [REDACTED, 1, null],
      [REDACTED]: { b: `x ${REDACTED}` },
    });
    const clean = { a: ["x", { b: true }] };
    expect(made.json(clean)).toBe(clean);
  });
});

describe("02-R93: bytes that come in pieces", () => {
  const SOUGHT = "a-secret-of-ümläuts";

  async function through(made: Redactor, content: Buffer, cuts: readonly number[]): Promise<Buffer> {
    const pieces = (async function* () {
      let from = 0;
      for (const cut of [
        ...cuts.map((one) => one % (content.length + 1)).sort((a, b) => a - b),
        content.length,
      ]) {
        yield content.subarray(from, cut);
        from = cut;
      }
    })();
    const out: Uint8Array[] = [];
    for await (const piece of made.bytes(pieces)) out.push(piece);
    return Buffer.concat(out);
  }

  it("lose a secret wherever they are cut, and nothing else", async () => {
    const gap = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
    await fc.assert(
      fc.asyncProperty(
        fc.array(gap, { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        async (gaps, cuts) => {
          const joined = (between: string) =>
            Buffer.concat(gaps.flatMap((one, index) => (index === 0 ? [one] : [Buffer.from(between), one])));
          expect(await through(redactor(SOUGHT), joined(SOUGHT), cuts)).toEqual(joined(REDACTED));
        },
      ),
    );
  });

  it("are the same where nothing is known", async () => {
    const content = Buffer.from([0, 255, 128, 10, 13, 200]);
    expect(await through(new Redactor(), content, [2])).toEqual(content);
  });
});

describe("02-R93: what is only remembered", () => {
  it("is taken out, until 4096 others have been heard of since it was last", () => {
    const redactor = new Redactor();
    redactor.hold("slot:a", ["held-in-a-slot"]);
    redactor.remember("token-number-0000");
    for (let n = 1; n < 4_096; n++) redactor.remember(`token-number-${String(n).padStart(4, "0")}`);
    redactor.remember("token-number-0000");
    redactor.remember("token-number-4096");
    expect(redactor.text("token-number-0000 token-number-0001 token-number-0002 held-in-a-slot")).toBe(
      `${REDACTED} token-number-0001 ${REDACTED} ${REDACTED}`,
    );
  });
});

describe("02-R93: text from outside", () => {
  it.each([
    "sk-ant-REDACTED",
    "ghp_0123456789abcdefghij",
    "xoxb-0123456789-abcdef",
    "AKIA0123456789ABCDEF",
    "Bearer abc.def",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0abc.c2ln",
    "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
  ])("loses what looks like a key: %s", (key) => {
    expect(new Redactor().foreignText(`it said ${key}.`)).toMatch(/^it said <redacted>/);
  });

  it("loses the values of telling query parameters, and keeps the rest", () => {
    expect(new Redactor().foreignText("https://x/y?page=2&api_key=abc&z=1")).toBe(
      `https://x/y?page=2&api_key=${REDACTED}&z=1`,
    );
  });
});

describe("02-R93: a secret that comes in pieces", () => {
  const pieces = fc.array(
    fc.constantFrom("k3y", "/with", SECRET, "s", "se", "abcab", "abcabc", "x", " ", "\n"),
    {
      maxLength: 12,
    },
  );
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 40 });

  it("is taken out wherever it is cut, and all the rest is shown", () => {
    const held = redactor(SECRET, "abcabcd", "seseses");
    fc.assert(
      fc.property(pieces, sizes, (parts, cuts) => {
        const text = parts.join("");
        const stream = held.stream();
        let shown = "";
        for (let at = 0, cut = 0; at < text.length; cut++) {
          const size = cuts[cut % cuts.length] ?? 1;
          shown += stream.take(text.slice(at, at + size));
          at += size;
        }
        shown += stream.end();
        expect(shown).toBe(held.text(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it("holds back no more than its beginning", () => {
    const stream = redactor(SECRET).stream();
    expect(stream.take("all is well, k")).toBe("all is well, ");
    expect(stream.take("nows everybody")).toBe("knows everybody");
    expect(stream.end()).toBe("");
  });
});
