import { describe, expect, test } from "vitest";
import { effectiveCapabilities, impossibleCapability } from "./capabilities.ts";
import { CAPABILITIES, type Capability, DRIVER_NAMES, type DriverName } from "./drivers.ts";

const MODELS: Record<DriverName, string> = {
  anthropic: "claude-opus-4-6",
  google: "gemini-2.5-flash",
  openai: "gpt-5.4",
  openrouter: "openai/gpt-5.4-mini",
  xai: "grok-4",
  openai_compatible: "qwen3",
  simulator: "script",
};
const of = (driver: DriverName, more: Partial<Parameters<typeof effectiveCapabilities>[0]> = {}) => {
  const { matrix_version, ...flags } = effectiveCapabilities({
    driver,
    model: MODELS[driver],
    overrides: {},
    ...more,
  });
  expect(matrix_version).toBe(2);
  return CAPABILITIES.filter((name) => flags[name]);
};

describe("the capability matrix, version 2", () => {
  test.each<[DriverName, Capability[]]>([
    ["anthropic", ["multimodal_input", "native_web_search"]],
    ["google", ["multimodal_input", "image_generation", "image_edit"]],
    ["openai", [...CAPABILITIES]],
    ["xai", ["multimodal_input", "native_web_search", "image_generation", "image_edit"]],
    ["openrouter", ["multimodal_input", "audio_generation", "transcription"]],
    ["openai_compatible", []],
  ])("02-R28 %s can do this at most", (driver, maxima) => {
    expect(of(driver)).toEqual(maxima);
  });

  test("02-R28 openai with account auth has its own column", () => {
    expect(of("openai", { account: true })).toEqual(["multimodal_input", "native_web_search"]);
    for (const media of ["image_generation", "image_edit", "audio_generation", "transcription"] as const) {
      expect(impossibleCapability("openai", { [media]: true }, true)).toBe(media);
      expect(impossibleCapability("openai", { [media]: true })).toBeUndefined();
    }
  });

  test("02-R28 overrides only narrow: whatever they say, nothing comes that was not there", () => {
    for (const driver of DRIVER_NAMES.filter((name) => name !== "openai_compatible")) {
      const everything = Object.fromEntries(CAPABILITIES.map((name) => [name, true]));
      const nothing = Object.fromEntries(CAPABILITIES.map((name) => [name, false]));
      expect(of(driver, { overrides: everything })).toEqual(of(driver));
      expect(of(driver, { overrides: nothing })).toEqual([]);
    }
  });

  test("02, weakness 14: an unknown server can do nothing until its route says so, and little then", () => {
    const everything = Object.fromEntries(CAPABILITIES.map((name) => [name, true]));
    expect(of("openai_compatible", { overrides: everything })).toEqual(["multimodal_input"]);
  });

  test("a model of the table that lacks what its driver can do lacks it here too", () => {
    expect(of("openai", { model: "o3-mini" })).not.toContain("multimodal_input");
    expect(of("xai", { model: "grok-3" })).not.toContain("multimodal_input");
  });

  test("02-R44 what depends on the model follows the catalogue, where there is one", () => {
    expect(of("openrouter", { discovered: ["image_generation"] })).toEqual([
      "image_generation",
      "audio_generation",
      "transcription",
    ]);
    expect(
      of("openrouter", { discovered: ["image_generation"], overrides: { image_generation: false } }),
    ).toEqual(["audio_generation", "transcription"]);
    expect(of("anthropic", { discovered: [] })).toEqual(["multimodal_input", "native_web_search"]);
  });

  test.each<[DriverName, Capability, boolean]>([
    ["anthropic", "audio_generation", true],
    ["anthropic", "transcription", true],
    ["google", "transcription", true],
    ["xai", "audio_generation", true],
    ["openai_compatible", "transcription", true],
    ["openai", "transcription", false],
    ["openrouter", "audio_generation", false],
    ["anthropic", "image_generation", false],
  ])("02-R28 %s with %s = true is refused: %s", (driver, capability, refused) => {
    expect(impossibleCapability(driver, { [capability]: true })).toBe(refused ? capability : undefined);
    expect(impossibleCapability(driver, { [capability]: false })).toBeUndefined();
  });
});
