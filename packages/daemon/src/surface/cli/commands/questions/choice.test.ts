import { describe, expect, it } from "vitest";
import { pendingQuestion } from "../../testing/samples.ts";
import { chooseOptions } from "./choice.ts";

const [single] = pendingQuestion().request.questions;
if (single === undefined) throw new Error("the sample has a question");
const several = { ...single, multi_select: true };

describe("an answer line", () => {
  it.each([
    ["1", ["red"]],
    [" 2 ", ["blue"]],
    ["red", ["red"]],
    ["DARK red", ["red"]],
    ["blue", ["blue"]],
  ])("%j chooses one option", (line, optionIds) => {
    expect(chooseOptions(single, line)).toEqual({ ok: true, optionIds });
  });

  it.each([
    ["1,2", ["red", "blue"]],
    ["blue 1", ["blue", "red"]],
    ["dark red , Blue,", ["red", "blue"]],
  ])("%j chooses several", (line, optionIds) => {
    expect(chooseOptions(several, line)).toEqual({ ok: true, optionIds });
  });

  it.each([
    [single, "", "Choose at least one option."],
    [single, "3", "There is no option '3'."],
    [single, "0", "There is no option '0'."],
    [single, "1,2", "Choose one option only."],
    [several, "1, red", "'Dark red' is chosen twice."],
    [several, ",", "Choose at least one option."],
    [several, "1,green", "There is no option 'green'."],
  ])("is asked for again (%#)", (question, line, complaint) => {
    expect(chooseOptions(question, line)).toEqual({ ok: false, complaint });
  });
});
