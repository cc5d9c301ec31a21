"""What a job does, from the check runs to the record: the doors through which the pipeline is entered."""
