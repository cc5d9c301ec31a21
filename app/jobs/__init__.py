"""One handler for each kind of job, from the check runs to the record."""
