/** Symbols under which a runtime keeps something about its own objects (undici in Node 20 and 22); none where it does not. */
export function internalSymbols(sample: object): symbol[] {
  return Object.getOwnPropertySymbols(sample);
}
