import { contentOf, type Place, routeField, runsPath } from "./place.ts";

/** With what Python has by itself. */
export function python(place: Place): string {
  const { baseUrl, needsToken, payload } = place;
  const content = literal(contentOf(place), payload === undefined);
  return [
    "import json",
    ...(needsToken ? ["import os"] : []),
    "import time",
    "import urllib.error",
    "import urllib.request",
    "",
    `BASE_URL = ${JSON.stringify(baseUrl)}`,
    'HEADERS = {"Content-Type": "application/json"}',
    ...(needsToken ? ['HEADERS["Authorization"] = "Bearer " + os.environ["KHEISH_TOKEN"]'] : []),
    "",
    "",
    "def call(path, body=None):",
    "    data = None if body is None else json.dumps(body).encode()",
    "    try:",
    "        with urllib.request.urlopen(urllib.request.Request(BASE_URL + path, data, HEADERS)) as answer:",
    "            return json.load(answer)",
    "    except urllib.error.HTTPError as refusal:",
    "        raise SystemExit(refusal.read().decode())",
    "",
    "",
    `content = ${content}`,
    `run = call(${JSON.stringify(runsPath(place))}, {"content": content${routeField(place)}})`,
    'while run["status"] not in ("completed", "failed", "interrupted", "cancelled"):',
    "    time.sleep(0.5)",
    '    run = call("/v1/runs/" + run["run_id"])',
    'if run["status"] != "completed":',
    '    raise SystemExit(run.get("error", run["status"]))',
    'outputs = run.get("outputs", [])',
    'print(outputs[-1]["content"] if outputs else "")',
  ].join("\n");
}

const CONSTANTS: Record<string, string> = { true: "True", false: "False", null: "None" };

/** Strings, numbers, lists and dictionaries are written as in JSON; three words are not. */
function literal(content: string, isText: boolean): string {
  if (isText) return JSON.stringify(content);
  const words = /"(?:[^"\\]|\\.)*"|true|false|null/g;
  return `json.dumps(${content.replace(words, (word) => CONSTANTS[word] ?? word)})`;
}
