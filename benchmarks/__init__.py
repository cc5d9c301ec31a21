"""Benchmarks: one command each, against local stand-ins with fixed delays."""
