from calendar_view.busy import busy

assert busy([(9, 17), (10, 11)]) == [(9, 17)]
assert busy([(10, 11), (9, 17), (16, 18)]) == [(9, 18)]
assert busy([(1, 2), (2, 3), (5, 6)]) == [(1, 3), (5, 6)]
assert busy([(1, 10), (2, 3), (4, 5), (11, 12)]) == [(1, 10), (11, 12)]
assert busy([]) == []
given = [(5, 6), (1, 2)]
busy(given)
assert given == [(5, 6), (1, 2)]
