"""Every sentence Quorum says."""
