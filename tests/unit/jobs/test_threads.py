"""Where an earlier finding is after a push. The scenarios show the rest."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.conversation.fixed import Look
from app.domain.diff import Diff, FileDiff, FileStatus
from app.domain.finding import Finding, Judgement, Severity, Stage
from app.domain.pull_request import Reply, Thread
from app.jobs.threads import BY_HAND, Followed, follow, move, plan_answers
from app.store.findings import FindingOutcome
from app.store.pull_requests import KnownFinding

FINDING = Finding(
    stage=Stage.REVIEW,
    severity=Severity.HIGH,
    rule_id="other",
    path="a.py",
    start_line=2,
    end_line=2,
    title="t",
    explanation="e",
    quote="total = a / b",
    found_by=("claude:m",),
    fingerprint="f" * 32,
)
THREAD = Thread(
    node_id="T",
    comment_id=1,
    comment_node_id="C",
    fingerprint=FINDING.fingerprint,
    path="a.py",
    line=2,
    is_resolved=False,
    is_outdated=True,
)
DIFF = Diff(files=(FileDiff(path="a.py", status=FileStatus.ADDED),))


def known(finding: Finding = FINDING) -> KnownFinding:
    return KnownFinding(finding=finding, outcome="open", reason=None, shown=True, first_head_sha="1" * 40)


async def after(
    text: str | None, *, thread: Thread = THREAD, diff: Diff = DIFF, says: Judgement | None = None
) -> Followed:
    async def read(path: str) -> str | None:
        assert path == "a.py"
        return text

    async def look(changed: object) -> list[Look]:
        assert changed
        return [Look(fingerprint=FINDING.fingerprint, judgement=says, evidence="because")] if says else []

    return await follow(
        [known()], found=(), threads=[thread], diff=diff, read_head=read, redact=str, look_again=look
    )


@given(st.integers(0, 60), st.integers(0, 5))
def test_a_finding_moves_with_its_code(above: int, spaces: int) -> None:
    text = "\n".join(["x = 1"] * above + [" " * spaces + "total  =  a / b", "y = 2"])
    moved = move(FINDING, text)
    assert moved is not None
    assert moved.start_line == moved.end_line == above + 1


def test_a_finding_whose_code_is_nowhere_has_no_place() -> None:
    assert move(FINDING, "grand_total = a / b_2\n") is None


async def test_outdated_is_not_fixed() -> None:
    followed = await after("total = a / b\n")
    assert [finding.start_line for finding in followed.standing] == [1]
    assert not followed.fixed


async def test_a_file_that_left_the_change_takes_its_findings_along() -> None:
    followed = await after(None, diff=Diff(files=()))
    assert followed.fixed == {FINDING.fingerprint: "The code is gone."}


async def test_changed_code_is_fixed_only_when_the_check_agrees() -> None:
    assert (await after("total = 0\n", says=Judgement.REFUTED)).fixed == {FINDING.fingerprint: "because"}
    still = await after("total = 0\n", says=Judgement.CONFIRMED)
    assert (still.standing, still.outdated, still.fixed) == ((FINDING,), frozenset(), {})


async def test_where_nobody_can_tell_it_is_outdated_and_stands() -> None:
    followed = await after("total = 0\n")
    assert followed.outdated == {FINDING.fingerprint}
    assert followed.standing == (FINDING,)


async def test_a_thread_that_a_person_resolved_is_resolved_by_hand() -> None:
    followed = await after("total = a / b\n", thread=replace(THREAD, is_resolved=True))
    assert followed.outcomes()[FindingOutcome.RESOLVED] == {FINDING.fingerprint: BY_HAND}
    assert followed.standing == ()


def test_the_same_push_is_answered_once() -> None:
    followed = Followed(fixed={FINDING.fingerprint: "because"})
    [answer] = plan_answers(followed, returned=(), threads=[THREAD], head_sha="2" * 40, redact=str)
    assert answer.body is not None
    replied = replace(THREAD, replies=(Reply(author="quorum", author_is_bot=True, body=answer.body),))
    assert plan_answers(followed, returned=(), threads=[replied], head_sha="2" * 40, redact=str) == []
