"""Decisions about findings that people make on the dashboard: dismissing and reopening. The pull requests follow.

A person needs write access to the repository, as for the commands in comments; the operator may decide everywhere.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from app.domain.job import Delivery, Job, ReviewJob, review_id
from app.domain.pull_request import PullRequestRef
from app.domain.review import ReviewRequest
from app.domain.viewer import Viewer
from app.jobs import dismissals
from app.jobs.head import REFRESH
from app.store.dashboard.finding_filter import FindingFilter
from app.store.dashboard.findings import each_finding
from app.store.database import Database
from app.store.findings import FindingOutcome, finding_of, record_outcome, record_rule
from app.store.pull_requests import UNSETTLED
from app.store.review_tables import FindingRow

MAX_REASON_CHARACTERS = 500
OPERATOR_NAME = "the operator"
EVENT = "dashboard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """How the dashboard decides; `follow_up` queues the job that updates summary and check runs."""

    database: Database
    follow_up: Callable[[Delivery, Job], Awaitable[object]]
    redact: Callable[[str], str]
    clock: Callable[[], datetime]

    def clean(self, reason: str) -> str:
        """Return the reason as it is stored: one line, without secrets, not too long."""
        return self.redact(" ".join(reason.split()))[:MAX_REASON_CHARACTERS]

    async def refresh(self, ref: PullRequestRef, *, installation_id: int) -> None:
        """Queue an update of the summary and the check runs."""
        guid = f"{EVENT}-{uuid4()}"
        trigger = f"{REFRESH}{guid}"
        request = ReviewRequest(
            review_id=review_id(ref, head_sha=None, trigger=trigger),
            ref=ref,
            installation_id=installation_id,
            trigger=trigger,
        )
        delivery = Delivery(guid=guid, event=EVENT, action="decided", received_at=self.clock())
        await self.follow_up(delivery, ReviewJob(request=request))


Places = dict[tuple[int, PullRequestRef], list[FindingRow]]


def by_pull_request(rows: Sequence[FindingRow]) -> Places:
    """Group findings by installation and pull request."""
    places = defaultdict[tuple[int, PullRequestRef], list[FindingRow]](list)
    for row in rows:
        owner, _, repo = row.repository.partition("/")
        places[row.installation_id, PullRequestRef(owner=owner, repo=repo, number=row.pull_request)].append(
            row
        )
    return places


def decidable(viewer: Viewer, rows: Sequence[FindingRow]) -> list[FindingRow]:
    """Return the findings that the viewer may decide about."""
    return [row for row in rows if viewer.may_write(row.installation_id, row.repository)]


def dismiss_findings(
    decisions: Decisions, viewer: Viewer, rows: Sequence[FindingRow], *, reason: str
) -> Places:
    """Dismiss the findings that are neither resolved nor dismissed; return them by pull request."""
    places = by_pull_request([row for row in decidable(viewer, rows) if row.outcome in UNSETTLED])
    for (installation_id, ref), group in places.items():
        dismissals.dismiss(
            decisions.database,
            ref,
            [finding_of(row) for row in group],
            installation_id=installation_id,
            by=viewer.login or OPERATOR_NAME,
            reason=decisions.clean(reason),
            at=decisions.clock(),
        )
    return places


def reopen_finding(decisions: Decisions, viewer: Viewer, row: FindingRow) -> Places:
    """Reopen a dismissed finding; return it by pull request, nothing if it is not dismissed."""
    places = by_pull_request(
        [each for each in decidable(viewer, [row]) if row.outcome == FindingOutcome.DISMISSED]
    )
    for installation_id, ref in places:
        now = decisions.clock()
        record_outcome(decisions.database, ref, [row.fingerprint], FindingOutcome.OPEN, at=now)
        dismissals.unlearn(
            decisions.database,
            ref,
            finding_of(row),
            installation_id=installation_id,
            by=viewer.login or OPERATOR_NAME,
            at=now,
        )
    return places


def mute_rule(decisions: Decisions, viewer: Viewer, row: FindingRow, *, path: str) -> Places:
    """Mute the finding's rule in a path of its repository; dismiss its open findings there, by pull request."""
    by, now = viewer.login or OPERATOR_NAME, decisions.clock()
    record_rule(
        decisions.database,
        installation_id=row.installation_id,
        repository=row.repository,
        rule_id=row.rule_id,
        evidence="",
        dismissals=0,
        path=path,
        by=by,
        at=now,
    )
    wanted = FindingFilter(repository=row.repository, rule=row.rule_id)
    found = [line.finding for line in each_finding(decisions.database, viewer, wanted)]
    places = by_pull_request(
        [
            each
            for each in found
            if each.installation_id == row.installation_id and dismissals.is_in(path, each.path)
        ]
    )
    for (_, ref), group in places.items():
        fingerprints = [each.fingerprint for each in group]
        reason = f"{by}: muted for {path}"
        record_outcome(
            decisions.database, ref, fingerprints, FindingOutcome.DISMISSED, at=now, reason=reason
        )  # without learning: the path is what the person chose
    return places
