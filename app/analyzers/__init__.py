"""Built-in reviewers that need no key; nothing of the pull request is executed."""
