"""The only place that knows vendors."""
