"""Every sentence Quorum says to a person, and the writes that put it on a pull request."""
