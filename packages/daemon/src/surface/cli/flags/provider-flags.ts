import { anthropicAuthSources, openaiAuthSources } from "../serve-options.ts";
import { type ServeSetting, serveSettings } from "./serve-settings.ts";
import type { SettingReader } from "./setting.ts";

/** Flags that say what a variable of a provider says; the variables themselves are read where routes are made. */
const PROVIDER_FLAGS = [
  "provider",
  "model",
  "apiKey",
  "anthropicBaseUrl",
  "anthropicVersion",
  "openaiBaseUrl",
  "openaiOrganization",
  "openaiProject",
  "googleBaseUrl",
  "openrouterBaseUrl",
  "xaiBaseUrl",
] as const satisfies ServeSetting[];

/** What was said on the command line, by the variable it wins over (02-R26, 02-R27, 02-R31). */
export function providerEnv(
  reader: SettingReader<ServeSetting>,
  path: (text: string) => string,
): Record<string, string> {
  const said: Record<string, string> = logins(reader, path);
  for (const name of PROVIDER_FLAGS) {
    const value = reader.onCommandLine(name) ? reader.text(name) : undefined;
    if (value !== undefined) said[serveSettings[name].env] = value;
  }
  if (reader.onCommandLine("anthropicBetaHeader")) {
    said[serveSettings.anthropicBetaHeader.env] = reader.list("anthropicBetaHeader").join(",");
  }
  // The first of Google's variables, so that a flag wins over each of them.
  const google = reader.onCommandLine("googleApiKey") ? reader.text("googleApiKey") : undefined;
  return google === undefined ? said : { ...said, KHEISH_GOOGLE_API_KEY: google };
}

/** Checked here also where a variable says it: a login that is misspelt would silently be a key. */
function logins(reader: SettingReader<ServeSetting>, path: (text: string) => string): Record<string, string> {
  const said: Record<string, string> = {};
  const say = (name: ServeSetting, value: string | undefined) => {
    if (value !== undefined) said[serveSettings[name].env] = value;
  };
  const file = (name: ServeSetting) => {
    const text = reader.text(name);
    say(name, text && path(text));
  };
  say("openaiAuthSource", reader.choice("openaiAuthSource", openaiAuthSources));
  file("openaiAuthFile");
  say("anthropicAuthSource", reader.choice("anthropicAuthSource", anthropicAuthSources));
  file("anthropicCredentialsFile");
  return said;
}
