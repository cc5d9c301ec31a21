namespace Shop.Imports;

/// <summary>How many rows were imported, and the numbers of those that have too few cells.</summary>
public sealed record ImportResult(int Imported, IReadOnlyList<int> SkippedLines);
