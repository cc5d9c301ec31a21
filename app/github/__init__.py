"""The GitHub adapter: reads and writes pull requests. Only this package uses githubkit."""
