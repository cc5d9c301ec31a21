import { assertCents, type Cents } from "./money";

/** Splits a total into shares that differ by a cent at most and add up to it. */
export function shares(total: Cents, people: number): Cents[] {
  assertCents(total);
  if (!Number.isInteger(people) || people < 1) {
    throw new RangeError(`cannot split between ${people} people`);
  }
  const least = Math.floor(total / people);
  const rest = total - least * people;
  return Array.from({ length: people }, (_, index) => (index < rest ? least + 1 : least));
}
