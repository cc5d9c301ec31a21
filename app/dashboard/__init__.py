"""Pages for people who run Quorum."""
