import sys
import types


class APIRouter:
    def __init__(self, *args, **kwargs):
        pass

    def get(self, path, **kwargs):
        return lambda view: view


fastapi, dependencies = types.ModuleType("fastapi"), types.ModuleType("reports.dependencies")
fastapi.APIRouter, fastapi.Depends = APIRouter, lambda each=None: each
dependencies.database = lambda: None
sys.modules |= {"fastapi": fastapi, "reports.dependencies": dependencies}

from reports import tenancy
from reports.views import monthly


class Database:
    def __init__(self):
        self.asked = []

    def sales(self, tenant_id, year, month):
        self.asked.append((tenant_id, year, month))
        return [types.SimpleNamespace(cents=tenant_id * 100, sku="s")]


database = Database()


def report(tenant, year=2026, month=1):
    token = tenancy._current.set(tenancy.Tenant(tenant, f"company {tenant}"))
    try:
        return monthly(year, month, database)
    finally:
        tenancy._current.reset(token)


for _ in range(2):
    for tenant in (1, 2):
        assert report(tenant)["company"] == f"company {tenant}"
        assert report(tenant)["total_cents"] == tenant * 100
assert database.asked == [(1, 2026, 1), (2, 2026, 1)], "not cached"
report(1, month=2)
assert database.asked[-1] == (1, 2026, 2)
