from bills.split import split

for cents in (0, 1, 99, 100, 101, 12345, 10**17 + 1):
    for guests in (1, 2, 3, 7):
        shares = split(cents, guests)
        assert len(shares) == guests
        assert sum(shares) == cents, (cents, guests, shares)
        assert max(shares) - min(shares) <= 1
        assert shares == sorted(shares, reverse=True)
        assert all(isinstance(share, int) for share in shares)
try:
    split(100, 0)
except ValueError:
    pass
else:
    raise AssertionError("no guests")
