"""What every `quorum serve` of the harness has imported before it begins; not a test."""

from importlib import import_module

for name in ("anthropic", "google.genai", "openai", "app.commands.serve"):
    import_module(name)
