from reports.tenancy import current_tenant


def render_month(db, year: int, month: int) -> dict:
    """Sales of the current tenant in one month."""
    tenant = current_tenant()
    rows = db.sales(tenant_id=tenant.id, year=year, month=month)
    return {
        "company": tenant.name,
        "total_cents": sum(row.cents for row in rows),
        "by_product": {row.sku: row.cents for row in rows},
    }
