"""Built-in analyzers that need no key and never execute code of the pull request. Start reading at `app.analyzers.analysis`.

Imports nothing, so that the process that parses changed code starts quickly.
"""
