from datetime import date

from billing.renewal import Subscription, due_on, next_renewal

late = Subscription(1, date(2023, 1, 31))
assert next_renewal(late, date(2023, 1, 31)) == date(2023, 2, 28)
assert next_renewal(late, date(2024, 2, 1)) == date(2024, 2, 29)
assert next_renewal(late, date(2023, 2, 28)) == date(2023, 3, 31)
assert next_renewal(late, date(2023, 12, 31)) == date(2024, 1, 31)
plain = Subscription(2, date(2023, 1, 15))
assert next_renewal(plain, date(2023, 5, 15)) == date(2023, 6, 15)
leap = Subscription(3, date(2024, 2, 29))
assert next_renewal(leap, date(2025, 2, 1)) == date(2025, 2, 28)
assert due_on([late, plain], date(2023, 4, 30)) == [late]
