import { readFile, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { steadyPort } from "../../../src/surface/cli/demo/steady-port.ts";
import type { Machine } from "./machine.ts";
import { run } from "./runbook.ts";

/** What the page calls the door, as it is on this machine. */
export async function doorOfMachine(): Promise<{ port: number; names: [string, string][] }> {
  const port = await steadyPort();
  return {
    port,
    names: [
      ["https://kheish.example.com", `https://localhost:${port}`],
      ["listen 443 ", `listen 127.0.0.1:${port} `],
    ],
  };
}

/** A certificate where the page has one; answers it. Whoever asks on this machine trusts it. */
export async function certify(machine: Machine): Promise<string> {
  const [ca, key] = ["fullchain", "privkey"].map((name) => join(machine.root, `etc/ssl/kheish/${name}.pem`));
  const made = await run(
    `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost ` +
      `-addext subjectAltName=DNS:localhost -keyout ${key} -out ${ca}`,
    machine.env,
  );
  if (made.exitCode !== 0) throw new Error(made.stderr);
  Object.assign(machine.env, { CURL_CA_BUNDLE: ca, NODE_EXTRA_CA_CERTS: ca });
  return readFile(ca ?? "", "utf8");
}

/** nginx with the page's file, within what a distribution's own nginx.conf has, in a directory of this test. */
export async function startNginx(
  machine: Machine,
  conf: string,
  isUp: () => Promise<boolean>,
): Promise<void> {
  const { root } = machine;
  await writeFile(join(root, "etc/nginx/nginx.conf"), frame(root));
  await machine.write("etc/nginx/kheish.conf", conf);
  const nginx = "nginx -p /etc/nginx -c nginx.conf";
  const tested = await machine.run({ command: `${nginx} -t` });
  if (tested.exitCode !== 0) throw new Error(tested.stderr);
  await machine.start(nginx, isUp);
}

const frame = (root: string) => `
${process.getuid?.() === 0 ? "user root;" : ""}
daemon off;
pid ${root}/etc/nginx/nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path ${root}/etc/nginx/body;
  proxy_temp_path ${root}/etc/nginx/proxy;
  fastcgi_temp_path ${root}/etc/nginx/fastcgi;
  uwsgi_temp_path ${root}/etc/nginx/uwsgi;
  scgi_temp_path ${root}/etc/nginx/scgi;
  include ${root}/etc/nginx/kheish.conf;
}
`;

export interface Door {
  port: number;
  certificate: string;
}

/** One request through the proxy, from an address of this machine. */
export function askThrough(
  { port, certificate: ca }: Door,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  localAddress = "127.0.0.1",
) {
  const options = { host: "127.0.0.1", servername: "localhost", port, ca, agent: false };
  return new Promise<{ status: number | undefined; body: string; headers: NodeJS.Dict<string | string[]> }>(
    (resolve, reject) => {
      const asking = request({ ...options, method, path, headers, localAddress });
      asking.on("error", reject);
      asking.on("response", async (answer) => {
        const { statusCode: status } = answer;
        resolve({ status, headers: answer.headers, body: await text(answer).catch(() => "") });
      });
      asking.end();
    },
  );
}
