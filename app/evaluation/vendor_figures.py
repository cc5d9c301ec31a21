"""What each vendor's search was worth: the known defects that it found, those that no other vendor found, and the cost. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.model_call import vendors_of
from app.evaluation.judge import CaseRun
from app.evaluation.tables import render_table, share, total_usd, usd
from app.stages.verify import VERIFY


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorFigures:
    """The search of one vendor, without verification; `unique` counts defects that no other vendor found.

    `cost_usd` is None if a price is unknown.
    """

    vendor: str
    found: int
    unique: int
    false: int
    cost_usd: float | None

    @property
    def usd_per_found(self) -> float | None:
        """Cost of each found defect."""
        return _each(self.cost_usd, self.found)

    @property
    def usd_per_unique(self) -> float | None:
        """Cost of each defect that only this vendor found."""
        return _each(self.cost_usd, self.unique)


def _each(cost_usd: float | None, count: int) -> float | None:
    return None if cost_usd is None else share(cost_usd, count)


def vendor_rows(runs: Sequence[CaseRun]) -> list[VendorFigures]:
    """Return a row for each vendor that searched."""
    finders: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    false: defaultdict[str, int] = defaultdict(int)
    costs: defaultdict[str, list[float | None]] = defaultdict(list)
    for run in runs:
        for call in run.calls:
            if call.stage != VERIFY:
                costs[call.provider.vendor.value].append(call.cost_usd)
        for each in run.claimed.judged:
            for vendor in vendors_of(each.finding.found_by):
                if each.defect:
                    finders[run.case.name, each.defect.what].add(vendor.value)
                else:
                    false[vendor.value] += 1
    return [
        VendorFigures(
            vendor=vendor,
            found=sum(vendor in found_by for found_by in finders.values()),
            unique=sum(found_by == {vendor} for found_by in finders.values()),
            false=false[vendor],
            cost_usd=total_usd(spent),
        )
        for vendor, spent in sorted(costs.items())
    ]


def render_vendors(rows: Sequence[VendorFigures]) -> str:
    """Render the table; empty if no model searched."""
    if not rows:
        return ""
    return render_table(
        ("search by vendor", "found", "only by it", "false", "USD", "USD each found", "USD each only by it"),
        [
            (
                row.vendor,
                str(row.found),
                str(row.unique),
                str(row.false),
                *map(usd, (row.cost_usd, row.usd_per_found, row.usd_per_unique)),
            )
            for row in rows
        ],
    )
