"""The handlers, one for each kind of job."""
