"""Built-in reviewers that need no key; nothing of the pull request is executed. The door is `app.analyzers.analysis`.

Imports nothing: the process that parses changed code starts anew for each review and is to start quickly.
"""
