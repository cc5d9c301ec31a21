from metrics.latency import Latencies, median

latencies = Latencies()
assert latencies.median() is None
for ms in (9.0, 1.0, 5.0, 2.0):
    latencies.add(ms)
assert latencies.median() == 3.5
assert latencies.samples == [9.0, 1.0, 5.0, 2.0]
latencies.add(4.0)
assert latencies.median() == 4.0
assert latencies.samples == [9.0, 1.0, 5.0, 2.0, 4.0]
values = [3.0, 1.0, 2.0]
assert median(values) == 2.0
assert values == [3.0, 1.0, 2.0]
