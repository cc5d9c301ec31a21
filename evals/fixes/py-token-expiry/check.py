import os
import time
from datetime import datetime, timedelta, timezone

from auth.tokens import Token, is_valid


def token(**offset):
    at = datetime.now(timezone.utc) + timedelta(**offset)
    return Token(1, at.replace(tzinfo=None, microsecond=0).isoformat())


for zone in ("UTC", "XXX8", "XXX-9", "XXX-5:30"):
    os.environ["TZ"] = zone
    time.tzset()
    assert is_valid(token(minutes=5)), zone
    assert not is_valid(token(minutes=-5)), zone
    assert not is_valid(token(hours=-7)), zone
    assert is_valid(token(hours=7)), zone
