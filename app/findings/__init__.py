"""Where a finding belongs, whether it holds and how much it is worth; no I/O."""
