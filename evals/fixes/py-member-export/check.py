import csv
import io

from members.export import Member, as_csv


def cells(*members):
    return list(csv.reader(io.StringIO(as_csv(members), newline="")))


head, row = cells(Member("Ann, \"A\"", "two\nlines", -1250))
assert head == ["name", "note", "balance"]
assert row == ["Ann, \"A\"", "two\nlines", "-12.50"], row
for start in ("=1+1", "+1", "-1", "@SUM(A1)"):
    row = cells(Member(start, start, 5))[1]
    assert row[0][0] not in "=+-@\t\r" and row[1][0] not in "=+-@\t\r", row
    assert row[0].strip("' \t\r").endswith(start.strip()[1:]), row
    assert row[2] == "0.05"
assert cells(Member("", "", 0))[1] == ["", "", "0.00"]
