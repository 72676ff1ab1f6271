import { contentOf, type Place, routeField, runsPath } from "./place.ts";

/** With the crates that it names. */
export function rust(place: Place): string {
  const { baseUrl, needsToken } = place;
  const header = needsToken ? ['.header("Authorization", &authorization)'] : [];
  const at = (depth: number, lines: readonly string[]) => lines.map((line) => " ".repeat(depth) + line);
  return [
    "// cargo add serde_json && cargo add ureq --features json",
    "use serde_json::{Value, json};",
    `use std::{${needsToken ? "env, " : ""}error::Error, thread::sleep, time::Duration};`,
    "",
    `const BASE_URL: &str = ${JSON.stringify(baseUrl)};`,
    "",
    "fn main() -> Result<(), Box<dyn Error>> {",
    ...(needsToken ? ['    let authorization = format!("Bearer {}", env::var("KHEISH_TOKEN")?);'] : []),
    `    let content = ${literal(contentOf(place))};`,
    `    let mut run: Value = ureq::post(format!("{BASE_URL}${runsPath(place)}"))`,
    ...at(8, header),
    `        .send_json(json!({ "content": content${routeField(place)} }))?`,
    "        .body_mut()",
    "        .read_json()?;",
    '    while run["status"] != "completed" {',
    '        if let Some("failed" | "interrupted" | "cancelled") = run["status"].as_str() {',
    '            return Err(format!("{} {}", run["status"], run["error"]).into());',
    "        }",
    "        sleep(Duration::from_millis(500));",
    '        let run_id = run["run_id"].as_str().unwrap_or_default();',
    '        run = ureq::get(format!("{BASE_URL}/v1/runs/{run_id}"))',
    ...at(12, header),
    "            .call()?",
    "            .body_mut()",
    "            .read_json()?;",
    "    }",
    '    let last = run["outputs"].as_array().and_then(|outputs| outputs.last());',
    '    let answer = last.and_then(|output| output["content"].as_str());',
    '    println!("{}", answer.unwrap_or_default());',
    "    Ok(())",
    "}",
  ].join("\n");
}

/** Raw, between as many signs as the text itself does not have. */
function literal(content: string): string {
  const signs = "#".repeat(1 + Math.max(0, ...[...content.matchAll(/"#*/g)].map(([end]) => end.length - 1)));
  return `r${signs}"${content}"${signs}`;
}
