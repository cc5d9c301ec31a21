import { useEffect, useState } from "react";
import { type Hit, search } from "./api";

export function useSearch(term: string): Hit[] {
  const [hits, setHits] = useState<Hit[]>([]);

  useEffect(() => {
    search(term).then(setHits);
  }, [term]);

  return hits;
}
