"""The model layer: chooses models, sends requests and records them. Only this package uses the vendors' SDKs."""
