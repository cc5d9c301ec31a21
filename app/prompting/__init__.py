"""Renders prompts, fences untrusted text, and reads the answers of models."""
