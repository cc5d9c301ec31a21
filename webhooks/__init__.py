"""Receives GitHub's webhooks: verifies a delivery, decides what it asks for, and stores it. Calls no API and no model."""
