import { describe, expect, it } from "vitest";
import { urlTarget } from "./action-target.ts";

describe("02-R74 the target of a URL", () => {
  it.each([
    ["https://api.example.com/v1/things?key=secret#part", "https://api.example.com"],
    ["https://user:password@example.com:8443/x", "https://example.com:8443"],
    ["http://[::1]:4000/x", "http://[::1]:4000"],
    ["wss://example.com/socket", "wss://example.com"],
  ])("%s is %s", (text, target) => {
    expect(urlTarget(text)).toBe(target);
  });

  it.each(["no url: sk-secret", "https://", "file:///etc/passwd", "data:text/plain,secret", "half \ud800"])(
    "of what names no host is a digest: %j",
    (text) => {
      expect(urlTarget(text)).toMatch(/^invalid_url_sha256:[0-9a-f]{16}$/);
    },
  );
});
