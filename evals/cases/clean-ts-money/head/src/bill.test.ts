import { describe, expect, it } from "vitest";
import { shares } from "./bill";

describe("shares", () => {
  it("adds up to the total", () => {
    for (const [total, people] of [
      [1000, 3],
      [1, 4],
      [0, 2],
      [-1000, 3],
    ]) {
      expect(shares(total, people).reduce((sum, share) => sum + share, 0)).toBe(total);
    }
  });

  it("refuses to split between nobody", () => {
    expect(() => shares(100, 0)).toThrow(RangeError);
  });
});
