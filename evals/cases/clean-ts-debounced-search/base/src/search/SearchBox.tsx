import { useState } from "react";
import { useSearch } from "./useSearch";

export function SearchBox() {
  const [term, setTerm] = useState("");
  const hits = useSearch(term);

  return (
    <div>
      <input aria-label="Search" value={term} onChange={(event) => setTerm(event.target.value)} />
      <ul>
        {hits.map((hit) => (
          <li key={hit.id}>{hit.title}</li>
        ))}
      </ul>
    </div>
  );
}
