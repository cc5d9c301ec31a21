"""The only place that knows githubkit."""
