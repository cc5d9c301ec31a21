"""The thumbs under findings' comments: recorded, and 👍 takes a learned rule back. Reads nothing itself."""

from collections.abc import Sequence
from datetime import datetime

from app.domain.pull_request import PullRequestRef, Thread
from app.jobs.experience import unlearn
from app.store.database import Database
from app.store.findings import record_reactions
from app.store.pull_requests import PullRequestMemory


def record_thumbs(
    database: Database,
    ref: PullRequestRef,
    remembered: PullRequestMemory,
    threads: Sequence[Thread],
    *,
    installation_id: int,
    at: datetime,
) -> None:
    """What stands under each comment now."""
    known = {each.finding.fingerprint: each.finding for each in remembered.findings}
    for thread in threads:
        fingerprint = thread.fingerprint
        if not (thread.thumbs_up or thread.thumbs_down) or fingerprint not in known:
            continue
        record_reactions(database, ref, fingerprint, up=thread.thumbs_up, down=thread.thumbs_down)
        if thread.thumbs_up:
            unlearn(database, ref, known[fingerprint], installation_id=installation_id, by="reaction", at=at)
