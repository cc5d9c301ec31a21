"""The values of a review; standard library only, no I/O."""
