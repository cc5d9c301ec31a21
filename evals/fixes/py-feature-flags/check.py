import importlib

is_on = importlib.import_module("app.flags").is_on

for value in ("true", "True", "TRUE"):
    assert is_on("search", {"FEATURE_SEARCH": value}) is True
for value in ("false", "False", "", "0", "off", "no", "untrue", "nottrue"):
    assert is_on("search", {"FEATURE_SEARCH": value}) is False, value
assert is_on("chat", {"FEATURE_SEARCH": "true"}) is False
try:
    is_on("other", {})
except KeyError:
    pass
else:
    raise AssertionError("unknown feature")
