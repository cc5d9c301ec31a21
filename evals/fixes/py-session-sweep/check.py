from sessions.store import Sessions

sessions = Sessions()
for number in range(10):
    sessions.add(f"s{number}", float(number))
assert sessions.sweep(4.0) == 5
assert [f"s{number}" in sessions for number in range(10)] == [False] * 5 + [True] * 5
assert sessions.sweep(4.0) == 0
assert sessions.sweep(100.0) == 5
assert sessions.sweep(100.0) == 0
