from releases.listing import names, newest

releases = dict.fromkeys(["1.9.0", "1.10.0", "1.2", "2.0.0", "1.10.0.1", "0.99"], "")
assert list(names(releases)) == ["2.0.0", "1.10.0.1", "1.10.0", "1.9.0", "1.2", "0.99"], names(releases)
assert newest({"1.9.0": "", "1.10.0": ""}) == "1.10.0"
assert newest({}) is None
assert list(names({})) == []
