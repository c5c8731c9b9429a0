/** The value below which this part of the values lies; of an even number the upper one. */
export function quantile(values: number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

/** Rounded for reading. */
export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
