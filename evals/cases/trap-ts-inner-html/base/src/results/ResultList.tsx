export interface Result {
  id: string;
  title: string;
}

export function ResultList({ results }: { results: Result[] }) {
  return (
    <ol>
      {results.map((result) => (
        <li key={result.id}>{result.title}</li>
      ))}
    </ol>
  );
}
