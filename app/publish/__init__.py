"""All text that Quorum shows to people, and the code that posts it on a pull request."""
