"""The door for GitHub: bytes come in, are verified, become a job, and are stored. Nothing of the network, no model."""
