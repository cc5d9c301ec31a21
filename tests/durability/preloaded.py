"""Everything that a `quorum serve` of these tests has imported before it starts. Not a test."""

from importlib import import_module

for name in ("anthropic", "google.genai", "openai", "app.commands.serve"):
    import_module(name)
