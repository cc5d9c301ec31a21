"""The stand-in GitHub: strict, stateful, backed by a real git repository."""
