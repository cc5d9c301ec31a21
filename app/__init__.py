"""Quorum: three vendors' models review every pull request, and only what holds is posted."""
