import type { Cents } from "./money";

export function shares(total: Cents, people: number): Cents[] {
  return Array.from({ length: people }, () => Math.floor(total / people));
}
