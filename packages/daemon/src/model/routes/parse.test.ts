import { describe, expect, test } from "vitest";
import { parseRoutes } from "./parse.ts";
import { type Env, RouteConfigError } from "./route.ts";

const MINIMAL = 'driver = "openai"\ndefault_model = "gpt-5.4"';
const routeOf = (table: string, env: Env = {}, id = "main") => {
  const [route] = parseRoutes(`[routes.${id}]\n${table}`, env).routes;
  if (route === undefined) throw new Error("no route");
  return route;
};
const refusal = (text: string, env: Env = {}): string => {
  try {
    parseRoutes(text, env);
  } catch (error) {
    if (error instanceof RouteConfigError) return error.message;
    throw error;
  }
  throw new Error("it was accepted");
};
const tableRefusal = (table: string, env: Env = {}) => refusal(`[routes.main]\n${table}`, env);

describe("the file", () => {
  test("02-R18: a parse error tells line and column, and nothing of the content", () => {
    const message = refusal('version = 1\n[routes.main]\napi_key = "sk-secret\n');
    expect(message).toMatch(/at line 3, column \d+\.$/);
    expect(message).not.toContain("sk-secret");
  });

  test.each([
    { text: `colour = "red"\n[routes.main]\n${MINIMAL}`, at: "colour" },
    { text: `version = 2\n[routes.main]\n${MINIMAL}`, at: "version" },
    { text: `default_route = 1\n[routes.main]\n${MINIMAL}`, at: "default_route" },
    { text: `[routes.main]\n${MINIMAL}\ncolour = "red"`, at: "routes.main.colour" },
    { text: `[routes.main]\n${MINIMAL}\ntimeout_ms = 0`, at: "routes.main.timeout_ms" },
    {
      text: `[routes.main]\n${MINIMAL}\ninactivity_timeout_ms = "1s"`,
      at: "routes.main.inactivity_timeout_ms",
    },
    { text: `[routes.main]\n${MINIMAL}\nmodel_support = "some"`, at: "routes.main.model_support" },
    { text: `[routes.main]\n${MINIMAL}\nimage_edit = "yes"`, at: "routes.main.image_edit" },
    { text: '[routes.main]\ndriver = "acme"\ndefault_model = "x"', at: "routes.main.driver" },
    { text: '[routes.main]\ndefault_model = "gpt-5.4"', at: "routes.main.driver" },
    { text: "routes = 1", at: "routes" },
  ])("02-R18: what does not validate is named ($at)", ({ text, at }) => {
    expect(refusal(text)).toContain(`does not validate at ${at}: `);
  });

  test("02-R18: says of an unknown key which there are", () => {
    const text = '[routes.a]\ndriver = "openai"\ndefualt_model = "gpt-5.4"\ndefault_model = "gpt-5.4"\n';
    expect(refusal(text)).toMatch(/at routes\.a\.defualt_model: unknown key; there are .*default_model/);
    expect(refusal('[route.a]\ndriver = "openai"\n[routes]\n')).toMatch(
      /at route: unknown key; there are .*routes/,
    );
  });

  test("02-R18: a file without routes is refused", () => {
    expect(refusal("version = 1")).toContain("no routes");
  });

  test("02-R20: a model is required, except for the simulator", () => {
    expect(tableRefusal('driver = "openai"')).toContain("routes.main.default_model is required");
    expect(routeOf('driver = "simulator"')).toMatchObject({ model: "script", credential: { kind: "none" } });
  });

  test.each(['""', '"a/b"', '"a b"', '" a"', '"a\\t"'])("02-R19: %s is no route id", (id) => {
    expect(refusal(`[routes.${id}]\n${MINIMAL}`)).toContain("A route id must not be empty");
  });

  test("02-R26: an auth_ref names the slot that holds the credential", () => {
    const [route] = parseRoutes(`[routes.main]\n${MINIMAL}\nauth_ref = "openai.prod"`, {}).routes;
    expect(route?.credential).toEqual({ kind: "slot", slot_id: "openai.prod" });
  });

  test.each(['""', '" "', '" openai.prod"', '"openai.prod\\n"'])("02-R21: %s is no auth_ref", (ref) => {
    expect(tableRefusal(`${MINIMAL}\nauth_ref = ${ref}`)).toMatch(/routes\.main\.auth_ref/);
  });

  test.each(["api_key", "api_key_env"])("02-R21: an auth_ref goes with no %s", (key) => {
    expect(tableRefusal(`${MINIMAL}\nauth_ref = "a"\n${key} = "x"`)).toContain(
      `both 'auth_ref' and '${key}'`,
    );
  });

  test("02-R23: more than one route needs a default", () => {
    const two = `[routes.a]\n${MINIMAL}\n[routes.b]\n${MINIMAL}`;
    expect(refusal(two)).toContain("needs a 'default_route'");
    expect(parseRoutes(`default_route = "b"\n${two}`, {}).default_route).toBe("b");
  });

  test.each([
    ["openai", "openai_auth_source", "codex", "openai_auth_file"],
    ["anthropic", "anthropic_auth_source", "claude_code", "anthropic_credentials_file"],
  ])("02-R20 02-R26: a %s route may sign in with a login: %s = '%s'", (driver, source, program, file) => {
    const table = `driver = "${driver}"\ndefault_model = "m"\nmodel_support = "any"`;
    const credential = (text: string) =>
      parseRoutes(`[routes.main]\n${table}\n${text}`, {}).routes[0]?.credential;
    const slot = { kind: "slot", slot_id: "route.main" };
    expect(credential(`${source} = "${program}"`)).toEqual({ ...slot, login: { program } });
    expect(credential(`${source} = "${program}"\n${file} = "f"`)).toEqual({
      ...slot,
      login: { program, file: "f" },
    });
    // A key of the route's own comes first; one of the environment, which is no word of the route's, does not.
    expect(credential(`${source} = "${program}"\napi_key = "k"`)).toMatchObject({ kind: "key" });
    expect(credential(`${source} = "api_key"`)).toMatchObject({ kind: "missing" });
    expect(tableRefusal(`${table}\n${file} = "f"`)).toContain(`${file} needs ${source} = "${program}"`);
    for (const key of [source, file]) {
      const value = key === source ? program : "f";
      expect(tableRefusal(`${table}\nauth_ref = "a"\n${key} = "${value}"`)).toContain(
        `both 'auth_ref' and '${key}'`,
      );
      const other = `driver = "google"\ndefault_model = "gemini-2.5-flash"`;
      expect(tableRefusal(`${other}\n${key} = "${value}"`)).toContain(`only applies to driver '${driver}'`);
    }
  });

  test("02-R28: a login does no media", () => {
    const table = `driver = "openai"\ndefault_model = "gpt-5.4"\nopenai_auth_source = "codex"`;
    const [route] = parseRoutes(`[routes.main]\n${table}`, {}).routes;
    expect(route?.capabilities).toMatchObject({ multimodal_input: true, image_generation: false });
    expect(tableRefusal(`${table}\nimage_edit = true`)).toContain("an account of driver 'openai'");
  });
});

describe("keys of a route", () => {
  test.each([
    { one: "api_key", other: "api_key_env" },
    { one: "organization", other: "organization_env" },
    { one: "project", other: "project_env" },
  ])("02-R21: $one and $other exclude each other", ({ one, other }) => {
    expect(tableRefusal(`${MINIMAL}\n${one} = "x"\n${other} = "y"`)).toContain(
      `both '${one}' and '${other}'`,
    );
  });

  test.each(["api_key", "api_key_env"])("02-R21: a blank %s is refused", (key) => {
    expect(tableRefusal(`${MINIMAL}\n${key} = " "`)).toContain(`routes.main.${key}: must not be empty`);
  });

  test.each([
    { driver: "google", key: "organization", owner: "openai" },
    { driver: "xai", key: "project_env", owner: "openai" },
    { driver: "openai", key: "anthropic_version", owner: "anthropic" },
  ])("$key on driver $driver is refused: it is $owner's", ({ driver, key, owner }) => {
    const table = `driver = "${driver}"\ndefault_model = "x"\n${key} = "y"`;
    expect(tableRefusal(table)).toBe(`routes.main.${key} only applies to driver '${owner}'.`);
  });

  test.each([
    "ftp://a.b",
    "a.b/v1",
    "https:///v1",
    "https://u:p@a.b",
    "https://a.b/v1?x=1",
    "https://a.b/v1#x",
  ])("02-R22: %s is no base_url", (url) => {
    expect(tableRefusal(`${MINIMAL}\nbase_url = "${url}"`)).toContain("routes.main.base_url must");
  });

  test.each([
    { url: "http://localhost:8080/v1/", is: "http://localhost:8080/v1" },
    { url: "https://proxy.test/openai", is: "https://proxy.test/openai" },
    { url: "https://proxy.test", is: "https://proxy.test/v1" },
  ])("02-R22: $url is $is", ({ url, is }) => {
    expect(routeOf(`${MINIMAL}\nbase_url = "${url}"`).base_url).toBe(is);
  });

  test("02-R27: the route's URL comes before the variable's, and that before the built-in", () => {
    const env = { OPENAI_BASE_URL: "https://env.test/v9" };
    expect(routeOf(`${MINIMAL}\nbase_url = "https://own.test/v1"`, env).base_url).toBe("https://own.test/v1");
    expect(routeOf(MINIMAL, env).base_url).toBe("https://env.test/v9");
    expect(routeOf(MINIMAL).base_url).toBe("https://api.openai.com/v1");
    expect(tableRefusal(MINIMAL, { OPENAI_BASE_URL: "nonsense" })).toContain("OPENAI_BASE_URL must");
  });

  test("an openai_compatible route says where its server is, and needs no key", () => {
    const table = 'driver = "openai_compatible"\ndefault_model = "local"';
    expect(tableRefusal(table)).toContain("base_url is required");
    expect(routeOf(`${table}\nbase_url = "http://localhost:1234"`)).toMatchObject({
      base_url: "http://localhost:1234",
      credential: { kind: "none" },
    });
  });

  test("a named variable that is not set is refused where it decides who pays", () => {
    expect(tableRefusal(`${MINIMAL}\norganization_env = "ORG"`)).toContain("names the variable ORG");
    expect(routeOf(`${MINIMAL}\norganization_env = "ORG"`, { ORG: "org-1" }).organization).toBe("org-1");
  });

  test("02-A8: timeouts have defaults", () => {
    expect(routeOf(MINIMAL)).toMatchObject({ timeout_ms: 600_000, inactivity_timeout_ms: 120_000 });
    expect(routeOf(`${MINIMAL}\ntimeout_ms = 5`).timeout_ms).toBe(5);
  });

  test("the simulator takes no key and no URL", () => {
    expect(tableRefusal('driver = "simulator"\napi_key = "x"')).toContain("api_key does not apply");
  });
});

describe("credentials", () => {
  const keyOf = (table: string, env: Env = {}, id = "main") => {
    const { credential } = routeOf(table, env, id);
    return credential.kind === "key" ? credential.secret.reveal() : credential.kind;
  };

  test("02-R26: inline key, named variable, the driver's variable only under the driver's name", () => {
    const env = { OPENAI_API_KEY: "of-driver", MINE: "mine" };
    expect(keyOf(`${MINIMAL}\napi_key = "inline"`, env)).toBe("inline");
    expect(keyOf(`${MINIMAL}\napi_key_env = "MINE"`, env, "openai")).toBe("mine");
    expect(keyOf(MINIMAL, env, "openai")).toBe("of-driver");
    expect(keyOf(MINIMAL, env, "other")).toBe("missing");
    expect(keyOf(`${MINIMAL}\napi_key_env = "EMPTY"`, { ...env, EMPTY: "" }, "openai")).toBe("missing");
  });

  test("02-R26: Google's variables have an order", () => {
    const table = 'driver = "google"\ndefault_model = "gemini-2.5-pro"';
    const env = { KHEISH_GOOGLE_API_KEY: "one", GOOGLE_API_KEY: "two", GEMINI_API_KEY: "three" };
    expect(keyOf(table, env, "google")).toBe("one");
    expect(keyOf(table, { ...env, KHEISH_GOOGLE_API_KEY: undefined }, "google")).toBe("two");
    expect(keyOf(table, { GEMINI_API_KEY: "three" }, "google")).toBe("three");
  });

  test("a key does not show itself", () => {
    const route = routeOf(`${MINIMAL}\napi_key = "inline-secret"`);
    expect(JSON.stringify(route)).not.toContain("inline-secret");
    expect(`${route.credential.kind === "key" ? route.credential.secret : ""}`).toBe("<redacted>");
  });
});

describe("capabilities", () => {
  test("02-R28: overrides narrow and never widen", () => {
    const google = 'driver = "google"\ndefault_model = "gemini-2.5-pro"';
    expect(routeOf(`${google}\nimage_edit = false\nnative_web_search = true`).capabilities).toEqual({
      matrix_version: 2,
      multimodal_input: true,
      native_web_search: false,
      image_generation: true,
      image_edit: false,
      audio_generation: false,
      transcription: false,
    });
  });

  test.each(["audio_generation", "transcription"])(
    "02-R28: %s without the backend is refused",
    (capability) => {
      const table = `driver = "anthropic"\ndefault_model = "claude-sonnet-4-6"\n${capability} = true`;
      expect(tableRefusal(table)).toContain(
        `routes.main.${capability} is not something driver 'anthropic' can do`,
      );
      expect(routeOf(`${MINIMAL}\n${capability} = true`).capabilities).toMatchObject({ [capability]: true });
    },
  );

  test("an openai_compatible server reads images only where the route says so", () => {
    const table = 'driver = "openai_compatible"\ndefault_model = "x"\nbase_url = "http://localhost:1"';
    expect(routeOf(table).capabilities.multimodal_input).toBe(false);
    expect(routeOf(`${table}\nmultimodal_input = true`).capabilities.multimodal_input).toBe(true);
  });
});

describe("what a route says of its models", () => {
  test("02-A8 prices and limits stand in tables of their own", () => {
    const table = `${MINIMAL}
      [routes.main.prices]
      input = 3_000_000
      output = 15_000_000
      [routes.main.limits]
      context_tokens = 32_768`;
    expect(routeOf(table)).toMatchObject({
      prices: { input: 3_000_000, output: 15_000_000 },
      limits: { context_tokens: 32_768 },
    });
  });

  test.each([
    ["[routes.main.prices]\ninput = 1", "routes.main.prices.output"],
    ["[routes.main.prices]\ninput = 1\noutput = 2.5", "routes.main.prices.output"],
    ["[routes.main.prices]\ninput = -1\noutput = 2", "routes.main.prices.input"],
    ["[routes.main.prices]\ninput = 1\noutput = 2\ncurrency = 'EUR'", "routes.main.prices.currency"],
    ["[routes.main.limits]\ncontext_tokens = 0", "routes.main.limits.context_tokens"],
  ])("02-R18 02-A8 %j is refused by name", (table, at) => {
    expect(tableRefusal(`${MINIMAL}\n${table}`)).toContain(`does not validate at ${at}: `);
  });
});
