export interface Hit {
  id: string;
  title: string;
}

export async function search(term: string, signal?: AbortSignal): Promise<Hit[]> {
  const response = await fetch(`/api/search?q=${encodeURIComponent(term)}`, { signal });
  if (!response.ok) {
    throw new Error(`search failed: ${response.status}`);
  }
  return (await response.json()) as Hit[];
}
