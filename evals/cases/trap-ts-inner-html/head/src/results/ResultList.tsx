import { highlight } from "./highlight";

export interface Result {
  id: string;
  title: string;
}

export interface Props {
  results: Result[];
  term?: string;
}

export function ResultList({ results, term = "" }: Props) {
  return (
    <ol>
      {results.map((result) => (
        <li key={result.id} dangerouslySetInnerHTML={{ __html: highlight(result.title, term) }} />
      ))}
    </ol>
  );
}
