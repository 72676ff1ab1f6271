import { ROUTE_CAPABILITY_MATRIX_VERSION, type RouteCapabilities } from "@kheish/contract";
import { factsOfModel } from "../table/index.ts";
import { CAPABILITIES, type Capability, type DriverName, factsOf } from "./drivers.ts";

export type CapabilityOverrides = Partial<Record<Capability, boolean | undefined>>;

export interface CapabilityBasis {
  driver: DriverName;
  model: string;
  /** What the route says; it can only narrow. */
  overrides: CapabilityOverrides;
  /** The route signs in with an account in place of a key (02, OpenAI account auth). */
  account?: boolean;
  /** What the provider's catalogue says of the model. */
  discovered?: readonly Capability[] | undefined;
}

/** Capabilities whose backends exist for some drivers only; asking for one in vain is a mistake in the file (02-R28). */
const BACKENDS = ["audio_generation", "transcription"] as const satisfies Capability[];
const MEDIA: readonly Capability[] = ["image_generation", "image_edit", ...BACKENDS];

/** 02-R28: what the driver can do, and the model, and the route did not switch off. */
export function effectiveCapabilities(basis: CapabilityBasis): RouteCapabilities {
  const has = (capability: Capability) => can(basis, capability);
  return {
    matrix_version: ROUTE_CAPABILITY_MATRIX_VERSION,
    multimodal_input: has("multimodal_input"),
    native_web_search: has("native_web_search"),
    image_generation: has("image_generation"),
    image_edit: has("image_edit"),
    audio_generation: has("audio_generation"),
    transcription: has("transcription"),
  };
}

function can({ driver, model, overrides, account, discovered }: CapabilityBasis, capability: Capability) {
  const { onRequest = [], perModel = {} } = factsOf(driver);
  if (!maximaOf(driver, account).includes(capability)) return false;
  if (factsOfModel(model).lacks.includes(capability)) return false;
  const assumed = perModel[capability];
  if (assumed !== undefined && !(discovered?.includes(capability) ?? assumed)) return false;
  return overrides[capability] ?? !onRequest.includes(capability);
}

function maximaOf(driver: DriverName, account = false): readonly Capability[] {
  const { maxima, accountMaxima = maxima } = factsOf(driver);
  return account ? accountMaxima : maxima;
}

/** The capability that a route asks for and cannot have; the daemon refuses to start with it (02-R28). */
export function impossibleCapability(
  driver: DriverName,
  overrides: CapabilityOverrides,
  account = false,
): Capability | undefined {
  const asked = account ? MEDIA : BACKENDS;
  return CAPABILITIES.find(
    (capability) =>
      asked.includes(capability) &&
      overrides[capability] === true &&
      !maximaOf(driver, account).includes(capability),
  );
}
