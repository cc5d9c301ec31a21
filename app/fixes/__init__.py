"""Fixes of findings: ask a model for edits, apply them, check them, and let another vendor's model confirm them."""
