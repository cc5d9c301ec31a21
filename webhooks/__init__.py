"""HTTP bytes → workflow request, and nothing else: never reaches a model or GitHub."""
