from audit.log import AuditLog

log = AuditLog()
log.record("ann", "login")
log.record("bob", "login")
assert [list(entry["tags"]) for entry in log.entries] == [["env:staging"], ["env:staging"]]
own = ["vip"]
log.record("cid", "export", own)
log.record("cid", "export", tags=own)
assert own == ["vip"], "the caller's list changed"
assert [list(entry["tags"]) for entry in log.tagged("vip")] == [["vip", "env:staging"]] * 2
