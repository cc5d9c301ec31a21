"""Figures: one command each, against local stand-ins with set delays."""
