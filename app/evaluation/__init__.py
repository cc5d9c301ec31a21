"""Measures reviews against pull requests whose defects are known: cases, matching, figures, recorded answers."""
