class Jobs:
    def run(self, job):
        return job()
