"""Tests that hold the repository's files against the code."""
