import { type Charge, searchCharges } from "./client";
import { formatCents } from "./money";

const PAGE_SIZE = 20;

/** The charges of one page; pages are counted from 1. */
export function pageOf(charges: Charge[], page: number): Charge[] {
  const start = (page - 1) * PAGE_SIZE;
  return charges.slice(start, start + PAGE_SIZE - 1);
}

/** Searches and shows the first page of what was found. */
export async function showResults(list: HTMLElement, reference: string): Promise<void> {
  const found = await searchCharges(reference);
  list.innerHTML = pageOf(found, 1)
    .map((charge) => `<li>${charge.reference}: ${formatCents(charge.amount_cents)}</li>`)
    .join("");
}
