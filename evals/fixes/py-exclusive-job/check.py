import threading

from jobs.exclusive import Jobs

jobs = Jobs()
assert jobs.run(lambda: 5) == 5


def fail():
    raise LookupError("no stock")


for _ in range(2):
    worker = threading.Thread(target=lambda: raised.append(catch()), daemon=True)
    raised = []

    def catch():
        try:
            jobs.run(fail)
        except LookupError:
            return True

    worker.start()
    worker.join(0.5)
    assert raised == [True], "the lock is held or the error is lost"
assert jobs.finished == 1, "a failed job is no finished one"
running, most = [], []


def job():
    running.append(1)
    most.append(len(running))
    threading.Event().wait(0.01)
    running.pop()


workers = [threading.Thread(target=jobs.run, args=(job,), daemon=True) for _ in range(5)]
for each in workers:
    each.start()
for each in workers:
    each.join(3)
assert most == [1] * 5, most
