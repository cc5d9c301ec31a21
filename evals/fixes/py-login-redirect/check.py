from web.login import target_after_login

for good in ("/", "/orders", "/orders?page=2&sort=a", "/a/b#c", "/search?q=http://x.example"):
    assert target_after_login(good) == good, good
bad = ("//evil.example", "/\\evil.example", "///evil.example", "https://evil.example", "javascript:alert(1)", "", None, "orders")
for each in bad:
    assert target_after_login(each) == "/", each
