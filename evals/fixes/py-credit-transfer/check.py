import sqlite3

from credits.transfer import UnknownAccount, connect, transfer

connection = connect(":memory:")
assert connection.isolation_level is None, "the mode of the connection changed"
connection.execute("CREATE TABLE accounts (id INTEGER PRIMARY KEY, credits INTEGER NOT NULL CHECK (credits >= 0))")
connection.executemany("INSERT INTO accounts VALUES (?, ?)", [(1, 100), (2, 0)])


def credits():
    return [row[0] for row in connection.execute("SELECT credits FROM accounts ORDER BY id")]


transfer(connection, 1, 2, 30)
assert credits() == [70, 30] and not connection.in_transaction
for source, target, amount, error in ((1, 9, 30, UnknownAccount), (9, 1, 30, UnknownAccount), (1, 2, 71, sqlite3.IntegrityError)):
    try:
        transfer(connection, source, target, amount)
    except error:
        pass
    else:
        raise AssertionError("no error")
    assert credits() == [70, 30], credits()
    assert not connection.in_transaction, "a transaction is left open"
