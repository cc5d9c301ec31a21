"""Receives GitHub's webhooks: verifies a delivery, decides what it asks for, and stores it. Uses no network and no model."""
