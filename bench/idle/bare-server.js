// The limit: a Node process that answers over HTTP and does nothing else. Plain JavaScript, so that it is not even stripped of types.
import { createServer } from "node:http";

createServer((_request, response) => response.end("ready\n")).listen(Number(process.env.PORT), "127.0.0.1");
