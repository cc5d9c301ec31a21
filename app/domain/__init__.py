"""Values and protocols of a review. Imports the standard library only; no I/O."""
