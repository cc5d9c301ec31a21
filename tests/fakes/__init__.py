"""Fake servers and tools that several tests share."""
