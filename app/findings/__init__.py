"""Places, merges, verifies, and ranks findings. Pure: no I/O."""
