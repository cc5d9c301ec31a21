"""What a soak left behind: deliveries without a result, and work on GitHub that was not finished. Measures nothing."""

from collections.abc import Collection, Iterable, Sequence

from sqlmodel import col, select

from app.store.database import Database
from app.store.deliveries import UNFINISHED
from app.store.job_tables import DeliveryRow, WriteRow
from github_sandbox import GitHubSandbox
from tests.durability.killing import doubles_of
from tests.durability.stand_ins import pulls_of


def load_deliveries(url: str) -> Sequence[DeliveryRow]:
    """Return every delivery, oldest first."""
    database = Database(url)
    with database.read() as session:
        rows = session.exec(select(DeliveryRow).order_by(col(DeliveryRow.received_at))).all()
    database.close()
    return rows


def lost_deliveries(rows: Sequence[DeliveryRow], accepted: Iterable[str]) -> list[str]:
    """One sentence for each accepted delivery without a result."""
    missing = set(accepted) - {row.guid for row in rows}
    return [f"{guid} is not in the database" for guid in missing] + [
        sentence_of(row) for row in rows if row.state in UNFINISHED
    ]


def sentence_of(row: DeliveryRow) -> str:
    """Describe a delivery and its state in one sentence."""
    return f"{row.event}.{row.action} of {row.repository}#{row.pull_request} is {row.state} after attempt {row.attempts}: {row.reason}"


def unfinished(github: GitHubSandbox) -> list[str]:
    """One sentence for each check run in progress, and for each open pull request whose head was not reviewed."""
    runs = [run for repository in github.repositories.values() for run in repository.check_runs.values()]
    sentences = [
        f"{run.name} on {run.head_sha[:7]} was never completed" for run in runs if not run.conclusion
    ]
    for pull in pulls_of(github):
        newest = {run.name: str(run.conclusion) for run in runs if run.head_sha == pull.head_sha}
        final = list(newest.values())
        if pull.state == "open" and (len(final) != 3 or "cancelled" in final):
            name = f"{pull.repository.full_name}#{pull.number}"
            sentences.append(f"{name}: the final head's check runs are {final}")
    return sentences


def doubled(github: GitHubSandbox, started: Collection[int]) -> list[str]:
    """One sentence for each review and comment that is there twice, and for each check run that no review knows.

    Each review of a head has its own check runs, and a lost answer must not create another.
    """
    runs = [run for repository in github.repositories.values() for run in repository.check_runs.values()]
    return [each for pull in pulls_of(github) for each in doubles_of(pull)] + [
        f"{run.name} on {run.head_sha[:7]} is in no ledger" for run in runs if run.id not in started
    ]


def load_started_runs(url: str) -> set[int]:
    """Return the ids of the check runs that the ledger knows."""
    database = Database(url)
    with database.read() as session:
        ids = session.exec(select(WriteRow.github_id).where(col(WriteRow.key).startswith("start:"))).all()
    database.close()
    return {each for each in ids if each is not None}
