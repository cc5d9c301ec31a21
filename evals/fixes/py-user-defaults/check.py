from users.notify import DEFAULTS, Preferences

one, other = Preferences(), Preferences()
one.set("mail", "news", True)
assert one.wants("mail", "news") and not other.wants("mail", "news")
assert DEFAULTS["mail"]["news"] is False
one.reset()
assert not one.wants("mail", "news")
one.set("sms", "alerts", False)
assert other.wants("sms", "alerts") and Preferences().wants("sms", "alerts"), "reset shares the defaults"
one.reset()
assert one.wants("sms", "alerts")
