export interface Charge {
  id: number;
  reference: string;
  amount_cents: number;
}

/** Asks the payments service; throws for every answer but 2xx. */
export async function get<T>(path: string): Promise<T> {
  const response = await fetch(`/api${path}`, { credentials: "same-origin" });
  if (!response.ok) {
    throw new Error(`${path}: ${response.status}`);
  }
  return (await response.json()) as T;
}

/** One charge by its id. */
export function getCharge(id: number): Promise<Charge> {
  return get<Charge>(`/charges/${id}`);
}

/** The charges whose reference begins with the given text. */
export function searchCharges(reference: string): Promise<Charge[]> {
  return get<Charge[]>(`/charges?reference=${encodeURIComponent(reference)}`);
}
