from ratings.average import average

assert average([5, 4, 4]) == 4.3
assert average(n for n in (5, 4, 4)) == 4.3
assert average(iter(())) is None
assert average([]) is None
assert average(iter([0])) == 0.0
assert average({5, 1}) == 3.0
