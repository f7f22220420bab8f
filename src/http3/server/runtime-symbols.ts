/** A symbol under which a runtime keeps something about its own objects (undici in Node 20 and 22); undefined where it does not. */
export function internalSymbol(sample: object, description: string): symbol | undefined {
  return Object.getOwnPropertySymbols(sample).find((symbol) => symbol.description === description);
}
