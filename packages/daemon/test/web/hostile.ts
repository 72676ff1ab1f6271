import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { type Handler, PUBLIC, PUBLIC_V6, redirect } from "./fake-web.ts";

/** What refuses it, as results and the ledger name it. */
export type Class =
  | "blocked_private_network"
  | "blocked_credentials"
  | "invalid_request"
  | "response_too_large"
  | "unsupported_content_type"
  | "status"
  | "decode"
  | "connect"
  | "transport";

const lines = (list: string) =>
  list
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.trim());

/** URLs that are refused as they stand: nothing is resolved, nothing is connected to. */
export const FORMS: [Class, string][] = [
  ...lines(`
    http://127.0.0.1/
    http://127.0.0.1:8080/admin
    https://127.0.0.1/
    http://127.1/
    http://127.0.1/
    http://2130706433/
    http://0x7f000001/
    http://0x7f.1/
    http://0X7F.0X0.0X0.0X1/
    http://0177.0.0.1/
    http://017700000001/
    http://0177.0x0.0.1/
    http://00000177.0.0.1/
    http://127.0.0.1./
    http://127.255.255.254/
    http://0/
    http://0.0.0.0/
    http://0.0.0.0:8000/
    http://00/
    http://0x0/
    http://①②⑦.⓪.⓪.①/
    http://１２７.０.０.１/
    http://127。0。0。1/
    http://127．0．0．1/
    http://127｡0｡0｡1/
    http://%31%32%37.0.0.1/
    http://127%2e0%2e0%2e1/
    http:127.0.0.1/
    http:/127.0.0.1/
    http:\\\\127.0.0.1\\
    HTTP://127.0.0.1/
    http://127.0.0.1#@public.example/
    http://127.0.0.1?@public.example/
    http://127.0.0.1\\@public.example/
    http://10.0.0.1/
    http://10.255.255.255/
    http://0xa000001/
    http://167772161/
    http://172.16.0.1/
    http://172.31.255.255/
    http://192.168.0.1/
    http://192.168.1/
    http://0xc0a80001/
    http://3232235521/
    http://030052000001/
    http://169.254.169.254/latest/meta-data/iam/security-credentials/
    http://169.254.170.2/v2/credentials/
    http://0xa9fea9fe/
    http://2852039166/
    http://0251.0376.0251.0376/
    http://169.254.43518/
    http://100.64.0.1/
    http://100.100.100.200/latest/meta-data/
    http://100.127.255.255/
    http://192.0.0.1/
    http://192.0.0.192/opc/v2/
    http://192.0.2.1/
    http://192.88.99.1/
    http://198.18.0.1/
    http://198.19.255.255/
    http://198.51.100.1/
    http://203.0.113.1/
    http://224.0.0.1/
    http://239.255.255.250/
    http://240.0.0.1/
    http://255.255.255.255/
    http://4294967295/
    http://0xffffffff/
    http://[::]/
    http://[::1]/
    http://[0:0:0:0:0:0:0:1]/
    http://[0000:0000:0000:0000:0000:0000:0000:0001]/
    http://[::127.0.0.1]/
    http://[::7f00:1]/
    http://[::8.8.8.8]/
    http://[::ffff:127.0.0.1]/
    http://[::ffff:7f00:1]/
    http://[::FFFF:7F00:0001]/
    http://[0:0:0:0:0:ffff:127.0.0.1]/
    http://[::ffff:10.0.0.1]/
    http://[::ffff:169.254.169.254]/
    http://[::ffff:a9fe:a9fe]/
    http://[::ffff:0.0.0.0]/
    http://[::ffff:8.8.8.8]/
    http://[::ffff:0:8.8.8.8]/
    http://[64:ff9b::127.0.0.1]/
    http://[64:ff9b::a9fe:a9fe]/
    http://[64:ff9b::8.8.8.8]/
    http://[64:ff9b:1::8.8.8.8]/
    http://[100::1]/
    http://[2001::1]/
    http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/
    http://[2001:2::1]/
    http://[2001:20::1]/
    http://[2001:db8::1]/
    http://[2002:7f00:1::]/
    http://[2002:a9fe:a9fe::]/
    http://[2002:808:808::]/
    http://[3fff::1]/
    http://[5f00::1]/
    http://[fc00::1]/
    http://[fd00:ec2::254]/latest/meta-data/
    http://[fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]/
    http://[fe80::1]/
    http://[febf::1]/
    http://[fec0::1]/
    http://[ff02::1]/
    http://[ff0e::1]/
    http://localhost/
    http://LOCALHOST/
    http://localhost:3000/
    http://localhost./
    http://api.localhost/
    http://a.b.localhost./
    http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/
    http://ｌｏｃａｌｈｏｓｔ/
    http://loc%61lhost/
    http://local\u00adhost/
  `).map((url): [Class, string] => ["blocked_private_network", url]),
  ["blocked_private_network", "http://lo\tcal\nhost/"],
  ["blocked_private_network", "  http://127.0.0.1/  "],
  ...lines(`
    http://user@public.example/
    http://user:secret@public.example/
    http://:secret@public.example/
    http://public.example@127.0.0.1/
    http://public.example:80@127.0.0.1:6379/
    http://127.0.0.1@public.example/
    http://user:secret@127.0.0.1/
    http://a:b@c@public.example/
    http://%40@public.example/
  `).map((url): [Class, string] => ["blocked_credentials", url]),
  ...lines(`
    file:///etc/passwd
    FILE:///etc/passwd
    ftp://public.example/
    gopher://127.0.0.1:6379/_FLUSHALL
    dict://127.0.0.1:11211/stats
    ldap://public.example/
    data:text/plain,hello
    javascript:alert(1)
    blob:http://public.example/x
    about:blank
    ws://public.example/
    wss://public.example/
    view-source:http://public.example/
    jar:http://public.example!/
    unix:/var/run/docker.sock
    http+unix://%2Fvar%2Frun%2Fdocker.sock/info
    ssh://public.example/
    mailto:a@public.example
    //public.example/
    /etc/passwd
    public.example
    public.example:80/
    http://
    http:///
    http://:80/
    http://public.example:65536/
    http://public.example:-1/
    http://public.example:0/
    http://public.example:22/
    http://public.example:25/
    https://public.example:465/
    http://public.example:6667/
    http://public.example:6000/
    http://public example/
    http://public.exa%00mple/
    http://public.example%0d%0aHost:%20evil/
    http://[::1/
    http://[::1%25lo]/
    http://[fe80::1%25eth0]/
    http://[fe80::1%eth0]/
    http://[::ffff:127.0.0.1.]/
    http://[1.2.3.4]/
    http://1.2.3.4.5/
    http://256.256.256.256/
    http://0x100000000/
    http://127.0.0.1.../
    http://public..example/
    http://public.example../
    http://.public.example/
    http://../
    http://a$b.example/
    http://a(b).example/
    http://a<b.example/
    http://a^b.example/
    http://*/
  `).map((url): [Class, string] => ["invalid_request", url]),
];

/** What names resolve to: refused before anything is connected to. */
export const ANSWERS: [name: string, addresses: string[]][] = [
  ["loopback.example", ["127.0.0.1"]],
  ["loopback-high.example", ["127.8.8.8"]],
  ["private-a.example", ["10.1.2.3"]],
  ["private-b.example", ["172.20.0.1"]],
  ["private-c.example", ["192.168.178.1"]],
  ["metadata.example", ["169.254.169.254"]],
  ["metadata-task.example", ["169.254.170.2"]],
  ["shared.example", ["100.64.1.1"]],
  ["alibaba.example", ["100.100.100.200"]],
  ["zero.example", ["0.0.0.0"]],
  ["zero-high.example", ["0.1.2.3"]],
  ["benchmark.example", ["198.18.1.1"]],
  ["documentation.example", ["203.0.113.7"]],
  ["assignments.example", ["192.0.0.8"]],
  ["relay.example", ["192.88.99.2"]],
  ["multicast.example", ["224.0.0.251"]],
  ["reserved.example", ["250.0.0.1"]],
  ["broadcast.example", ["255.255.255.255"]],
  ["loopback6.example", ["::1"]],
  ["unspecified6.example", ["::"]],
  ["mapped.example", ["::ffff:127.0.0.1"]],
  ["mapped-hex.example", ["::ffff:a00:1"]],
  ["compatible.example", ["::127.0.0.1"]],
  ["ula.example", ["fd00::1"]],
  ["link-local6.example", ["fe80::1"]],
  ["zoned.example", ["fe80::1%eth0"]],
  ["site-local.example", ["fec0::1"]],
  ["multicast6.example", ["ff02::1"]],
  ["nat64-inside.example", ["64:ff9b::10.0.0.1"]],
  ["nat64-metadata.example", ["64:ff9b::a9fe:a9fe"]],
  ["nat64-local.example", ["64:ff9b:1::1"]],
  ["six-to-four.example", ["2002:7f00:1::"]],
  ["teredo.example", ["2001:0:4136:e378:8000:63bf:3fff:fdd2"]],
  ["documentation6.example", ["2001:db8::1"]],
  ["mixed-last.example", [PUBLIC, "127.0.0.1"]],
  ["mixed-first.example", ["10.0.0.1", PUBLIC]],
  ["mixed-6.example", [PUBLIC_V6, "::1"]],
  ["mixed-families.example", [PUBLIC, PUBLIC_V6, "fe80::1"]],
  ["mixed-many.example", [...Array<string>(60).fill(PUBLIC), "192.168.0.1"]],
  // An alias of localhost: only its addresses tell.
  ["cname-to-localhost.example", ["127.0.0.1", "::1"]],
  ["localhost.localdomain", ["127.0.0.1"]],
  ["ip6-localhost", ["::1"]],
  ["127.0.0.1.nip.example", ["127.0.0.1"]],
  ["xn--bcher-kva.example", ["10.0.0.9"]],
  ["intranet", ["10.0.0.2"]],
  ["metadata.google.internal", ["169.254.169.254"]],
  ["garbage.example", ["not an address"]],
  ["octal.example", ["0177.0.0.1"]],
];

/** Places that the first page of a public host sends its reader to. */
export const REDIRECTS: [Class, string][] = [
  ["blocked_private_network", "http://127.0.0.1/"],
  ["blocked_private_network", "http://127.1:9200/_search"],
  ["blocked_private_network", "http://2130706433/"],
  ["blocked_private_network", "http://[::1]/"],
  ["blocked_private_network", "http://[::ffff:7f00:1]/"],
  ["blocked_private_network", "http://169.254.169.254/latest/meta-data/"],
  ["blocked_private_network", "//169.254.169.254/latest/meta-data/"],
  ["blocked_private_network", "\\\\127.0.0.1\\share"],
  ["blocked_private_network", "http://localhost/"],
  ["blocked_private_network", "http://x.localhost:4000/v1/runs"],
  ["blocked_private_network", "https://10.0.0.1/"],
  ["blocked_private_network", "http://loopback.example/"],
  ["blocked_private_network", "http://mixed-last.example/"],
  ["blocked_credentials", "http://user:secret@public.example/"],
  ["blocked_credentials", "http://public.example@127.0.0.1/"],
  ["invalid_request", "file:///etc/passwd"],
  ["invalid_request", "ftp://public.example/"],
  ["invalid_request", "gopher://127.0.0.1:6379/_x"],
  ["invalid_request", "data:text/html,x"],
  ["invalid_request", "javascript:alert(1)"],
  ["invalid_request", "http://public.example:25/"],
  ["status", "http://[::1"],
  ["status", "http://a b/"],
  ["connect", "http://nobody.example/"],
  // The server behind all names speaks no TLS.
  ["connect", "https://public.example/"],
];

const MiB = 1_048_576;
const bomb = (compress: (bytes: Uint8Array) => Buffer, encoding: string): Handler => {
  const body = compress(Buffer.alloc(8 * MiB));
  return (_request, response) =>
    void response.writeHead(200, { "content-type": "text/plain", "content-encoding": encoding }).end(body);
};
const raw =
  (bytes: string): Handler =>
  (request) =>
    void request.socket.end(bytes);
const typed =
  (type: string | undefined): Handler =>
  (_request, response) =>
    void response.writeHead(200, type === undefined ? {} : { "content-type": type }).end("x");

/** What a public host answers with, at `/` of `public.example`. */
export const BODIES: [Class, what: string, Handler][] = [
  [
    "response_too_large",
    "a declared length beyond the cap",
    (_request, response) =>
      void response
        .writeHead(200, { "content-type": "text/plain", "content-length": 131_073 })
        .end("x".repeat(131_073)),
  ],
  [
    "response_too_large",
    "a declared length that never comes",
    raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99999999999\r\n\r\nx"),
  ],
  ["response_too_large", "a bomb of gzip", bomb(gzipSync, "gzip")],
  ["response_too_large", "a bomb of deflate", bomb(deflateSync, "deflate")],
  ["response_too_large", "a bomb of brotli", bomb(brotliCompressSync, "br")],
  ["response_too_large", "a bomb of zstd", bomb(zstdCompressSync, "zstd")],
  ["response_too_large", "a bomb under another name", bomb(gzipSync, "X-GZIP")],
  ["decode", "a bomb in a bomb", bomb((bytes) => gzipSync(gzipSync(bytes)), "gzip, gzip")],
  ["decode", "an encoding of its own", bomb(gzipSync, "snappy")],
  ["decode", "an encoding that is a lie", bomb(() => Buffer.from("plain"), "gzip")],
  ["decode", "a compressed body that was cut", bomb((bytes) => gzipSync(bytes).subarray(0, 20), "gzip")],
  [
    "transport",
    "fewer bytes than declared",
    raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nshort"),
  ],
  ["transport", "a connection that closes at once", (request) => void request.socket.destroy()],
  [
    "transport",
    "a body that breaks",
    (_request, response) => {
      response.writeHead(200, { "content-type": "text/plain" });
      response.write("half");
      setImmediate(() => response.destroy());
    },
  ],
  [
    "decode",
    "two lengths",
    raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"),
  ],
  [
    "decode",
    "a length that is none",
    raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: -1\r\n\r\nx"),
  ],
  [
    "decode",
    "a length and chunks",
    raw(
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
  ],
  [
    "transport",
    "chunks that are none",
    raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
  ],
  ["decode", "no HTTP at all", raw("220 mail.example ESMTP ready\r\n")],
  ["decode", "headers without end", raw(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(40_000)}\r\n\r\n`)],
  ["unsupported_content_type", "a picture", typed("image/png")],
  ["unsupported_content_type", "a program", typed("application/octet-stream")],
  ["unsupported_content_type", "an archive", typed("application/zip")],
  ["unsupported_content_type", "a document", typed("application/pdf")],
  ["unsupported_content_type", "a form", typed("multipart/form-data; boundary=x")],
  ["unsupported_content_type", "no type", typed(undefined)],
  ["unsupported_content_type", "a type that only looks right", typed("application/jsonx")],
  ["unsupported_content_type", "a stream of sound", typed("audio/mpeg")],
  [
    "status",
    "redirects without end",
    (request, response) => redirect(`/?${Math.random()}${request.url?.length}`)(request, response),
  ],
  ["status", "a redirect to itself", redirect("/")],
  ["status", "a redirect to nowhere", (_request, response) => void response.writeHead(302).end()],
];
