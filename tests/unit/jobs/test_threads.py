"""What becomes of earlier findings after a push. The scenario tests cover the rest."""

from dataclasses import replace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from app.conversation.fixed import FixJudgement
from app.domain.diff import Diff, FileDiff, FileStatus, Side
from app.domain.finding import Finding, Judgement, Severity, Stage
from app.domain.pull_request import Reply, Source, Thread
from app.jobs.threads import Followed, follow, move, plan_answers
from app.publish.notes import RESOLVED_BY_HAND
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


class Head:
    """A source that only has `a.py` at the head."""

    def __init__(self, text: str | None) -> None:
        self.text = text

    async def blob(self, path: str, side: Side) -> bytes | None:
        assert (path, side) == ("a.py", Side.RIGHT)
        return None if self.text is None else self.text.encode()


class Judge:
    """A fix judge with one answer."""

    def __init__(self, judgement: Judgement | None) -> None:
        self.judgement = judgement

    async def judge(self, changed: object) -> list[FixJudgement]:
        assert changed
        if self.judgement is None:
            return []
        return [FixJudgement(fingerprint=FINDING.fingerprint, judgement=self.judgement, evidence="because")]


async def after(
    text: str | None, *, thread: Thread = THREAD, diff: Diff = DIFF, says: Judgement | None = None
) -> Followed:
    return await follow(
        [known()],
        found=(),
        threads=[thread],
        diff=diff,
        source=cast("Source", cast("Any", Head(text))),
        redact=str,
        fix_judge=Judge(says),
    )


@given(st.integers(0, 60), st.integers(0, 5))
def test_a_finding_moves_with_its_code(above: int, spaces: int) -> None:
    text = "\n".join(["x = 1"] * above + [" " * spaces + "total  =  a / b", "y = 2"])
    moved = move(FINDING, text)
    assert moved is not None
    assert moved.start_line == moved.end_line == above + 1


def test_a_finding_without_its_code_cannot_move() -> None:
    assert move(FINDING, "grand_total = a / b_2\n") is None


async def test_unchanged_code_on_an_outdated_thread_is_not_fixed() -> None:
    followed = await after("total = a / b\n")
    assert [finding.start_line for finding in followed.still_open] == [1]
    assert not followed.fixed


async def test_findings_are_fixed_when_their_file_leaves_the_change() -> None:
    followed = await after(None, diff=Diff(files=()))
    assert followed.fixed == {FINDING.fingerprint: "The code was removed."}


async def test_changed_code_is_fixed_only_when_the_check_agrees() -> None:
    assert (await after("total = 0\n", says=Judgement.REFUTED)).fixed == {FINDING.fingerprint: "because"}
    still = await after("total = 0\n", says=Judgement.CONFIRMED)
    assert (still.still_open, still.outdated, still.fixed) == ((FINDING,), frozenset(), {})


async def test_without_a_judgement_a_changed_finding_is_outdated_and_still_open() -> None:
    followed = await after("total = 0\n")
    assert followed.outdated == {FINDING.fingerprint}
    assert followed.still_open == (FINDING,)


async def test_a_thread_that_a_person_resolved_is_resolved_manually() -> None:
    followed = await after("total = a / b\n", thread=replace(THREAD, is_resolved=True))
    assert followed.outcomes()[FindingOutcome.RESOLVED] == {FINDING.fingerprint: RESOLVED_BY_HAND}
    assert followed.still_open == ()


def test_a_thread_gets_one_reply_for_a_push() -> None:
    followed = Followed(fixed={FINDING.fingerprint: "because"})
    [answer] = plan_answers(followed, reintroduced=(), threads=[THREAD], head_sha="2" * 40, redact=str)
    assert answer.body is not None
    replied = replace(THREAD, replies=(Reply(author="quorum", author_is_bot=True, body=answer.body),))
    assert plan_answers(followed, reintroduced=(), threads=[replied], head_sha="2" * 40, redact=str) == []
