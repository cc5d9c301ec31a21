import { useEffect, useState } from "react";
import { type Hit, search } from "./api";

const PAUSE_MS = 250;

export interface SearchState {
  hits: Hit[];
  error: string | null;
}

const NOTHING: SearchState = { hits: [], error: null };

export function useSearch(term: string): SearchState {
  const [state, setState] = useState<SearchState>(NOTHING);

  useEffect(() => {
    const wanted = term.trim();
    if (wanted === "") {
      setState(NOTHING);
      return;
    }
    const controller = new AbortController();
    const timer = setTimeout(() => {
      search(wanted, controller.signal)
        .then((hits) => {
          if (!controller.signal.aborted) {
            setState({ hits, error: null });
          }
        })
        .catch(() => {
          if (!controller.signal.aborted) {
            setState({ hits: [], error: "The search is not available." });
          }
        });
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [term]);

  return state;
}
