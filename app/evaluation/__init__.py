"""Measures reviews of pull requests with known defects: cases, matching, figures and recorded answers."""
