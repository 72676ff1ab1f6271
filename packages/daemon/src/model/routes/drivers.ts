export const CAPABILITIES = [
  "multimodal_input",
  "native_web_search",
  "image_generation",
  "image_edit",
  "audio_generation",
  "transcription",
] as const;
export type Capability = (typeof CAPABILITIES)[number];

export interface DriverFacts {
  /** For a route that the environment makes, and for the simulator. */
  defaultModel?: string;
  /** Variables with the driver's key, the first that is set wins (02-R26). Empty: the driver needs no key. */
  keyVariables: readonly string[];
  baseUrlVariable?: string;
  /** Absent: the route has to say where the server is, or there is none. */
  builtInBaseUrl?: string;
  /** What the driver can do at most. */
  maxima: readonly Capability[];
  /** What is left of it when the route signs in with an account. */
  accountMaxima?: readonly Capability[];
  /** Of these, what it can do only when the route says so. */
  onRequest?: readonly Capability[];
  /** Of these, what depends on the model, and what is assumed of one that no catalogue describes. */
  perModel?: Partial<Record<Capability, boolean>>;
}

/** The drivers, as data: keys, addresses and the capability matrix of 02. */
export const DRIVERS = {
  anthropic: {
    defaultModel: "claude-opus-4-6",
    keyVariables: ["ANTHROPIC_API_KEY"],
    baseUrlVariable: "ANTHROPIC_BASE_URL",
    builtInBaseUrl: "https://api.anthropic.com/v1",
    maxima: ["multimodal_input", "native_web_search"],
  },
  google: {
    defaultModel: "gemini-2.5-flash",
    keyVariables: ["KHEISH_GOOGLE_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY"],
    baseUrlVariable: "GOOGLE_BASE_URL",
    builtInBaseUrl: "https://generativelanguage.googleapis.com/v1beta",
    maxima: ["multimodal_input", "image_generation", "image_edit"],
  },
  openai: {
    defaultModel: "gpt-5.4",
    keyVariables: ["OPENAI_API_KEY"],
    baseUrlVariable: "OPENAI_BASE_URL",
    builtInBaseUrl: "https://api.openai.com/v1",
    maxima: CAPABILITIES,
    accountMaxima: ["multimodal_input", "native_web_search"],
  },
  xai: {
    defaultModel: "grok-4-fast-reasoning",
    keyVariables: ["XAI_API_KEY"],
    baseUrlVariable: "XAI_BASE_URL",
    builtInBaseUrl: "https://api.x.ai/v1",
    maxima: ["multimodal_input", "native_web_search", "image_generation", "image_edit"],
  },
  openrouter: {
    defaultModel: "openai/gpt-5.4-mini",
    keyVariables: ["OPENROUTER_API_KEY"],
    baseUrlVariable: "OPENROUTER_BASE_URL",
    builtInBaseUrl: "https://openrouter.ai/api/v1",
    maxima: ["multimodal_input", "image_generation", "image_edit", "audio_generation", "transcription"],
    perModel: { multimodal_input: true, image_generation: false, image_edit: false },
  },
  openai_compatible: {
    keyVariables: [],
    maxima: ["multimodal_input"],
    onRequest: ["multimodal_input"],
  },
  simulator: {
    defaultModel: "script",
    keyVariables: [],
    maxima: ["multimodal_input"],
  },
} as const satisfies Record<string, DriverFacts>;

export type DriverName = keyof typeof DRIVERS;
export const DRIVER_NAMES = Object.keys(DRIVERS) as [DriverName, ...DriverName[]];

export function factsOf(driver: DriverName): DriverFacts {
  return DRIVERS[driver];
}
