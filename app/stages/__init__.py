"""Review, security, docs: ask, and get typed findings."""
