/** A multi-line secret is met line by line; a line shorter than this says nothing. */
const MIN_LINE = 8;
/** What is left of a secret's base64 when its neighbours are unknown has to be this long to be its own. */
const MIN_CORE = 8;

/** Every way in which a secret may stand in a text: as it is, line by line, and in the common encodings of both. */
export function formsOf(secret: string): string[] {
  const forms = new Set<string>();
  for (const text of [secret, ...linesOf(secret)]) {
    forms.add(text);
    // Twice where JSON is told in JSON, as an answer that quotes a request.
    forms.add(inJson(text)).add(inJson(inJson(text)));
    for (const form of [...urlForms(text), ...base64Forms(text)]) forms.add(form);
    forms.add(Buffer.from(text).toString("hex"));
  }
  return [...forms];
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function linesOf(secret: string): string[] {
  const lines = secret.split(/\r?\n/).map((line) => line.trim());
  // The frame of a PEM block is no secret.
  return lines.length < 2 ? [] : lines.filter((line) => line.length >= MIN_LINE && !line.startsWith("-----"));
}

function urlForms(text: string): string[] {
  let encoded: string;
  try {
    encoded = encodeURIComponent(text);
  } catch {
    return []; // half a surrogate pair
  }
  // Every character percent-encoded that some encoder may leave, and the form encoding of spaces.
  const strict = encoded.replace(/[!'()*~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  const all = [encoded, strict, encoded.replaceAll("%20", "+"), strict.replaceAll("%20", "+")];
  return [...all, ...all.map((one) => one.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()))];
}

/**
 * The base64 of the secret alone, and what is common to the base64 of any text around it: three bytes make four
 * characters, so the secret can begin at three places, and the characters it shares with its neighbours are left out.
 */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text);
  const cores = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const first = Math.ceil((shift * 8) / 6);
    const last = Math.floor(((shift + bytes.length) * 8) / 6);
    return encoded.slice(first, last);
  });
  const forms = cores.filter((core) => core.length >= MIN_CORE);
  return [...forms, ...forms.map((form) => form.replaceAll("+", "-").replaceAll("/", "_"))];
}
