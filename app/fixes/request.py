"""Makes the fixes of one request, one finding after the other, each on top of the confirmed ones before it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.domain.diff import Diff
from app.domain.finding import Finding
from app.domain.fix import FindingFix, FixedFile, FixStatus, HeadFiles
from app.fixes.checks import FixState, apply_allowed

MAX_FINDINGS = 10  # of one request

FixFinding = Callable[[Finding, FixState], Awaitable[FindingFix]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedFixes:
    """The fix of each finding, and what the confirmed ones do together; `unconfirmed` is what a single other one would do."""

    fixes: tuple[FindingFix, ...]
    files: tuple[FixedFile, ...]
    unconfirmed: tuple[FixedFile, ...] = ()

    @property
    def confirmed(self) -> tuple[FindingFix, ...]:
        """The confirmed fixes."""
        return tuple(each for each in self.fixes if each.status is FixStatus.CONFIRMED)


async def fix_findings(
    findings: Sequence[Finding],
    *,
    diff: Diff,
    head: HeadFiles,
    fix: FixFinding,
    accepts_unconfirmed: bool = False,
) -> RequestedFixes:
    """Fix the findings in order.

    Args:
        findings: at most `MAX_FINDINGS`.
        diff: the change under review.
        head: the files of the newest head.
        fix: makes the fix of one finding.
        accepts_unconfirmed: also use fixes that no other vendor's model confirmed.
    """
    fixed: dict[str, FixedFile] = {}
    fixes: list[FindingFix] = []
    last: list[FixedFile] = []
    for finding in findings:
        state = FixState(diff=diff, head=head, fixed=dict(fixed))
        made = await fix(finding, state)
        fixes.append(made)
        files = await apply_allowed(made.edits, state) if made.edits else []
        if made.status is FixStatus.CONFIRMED or (accepts_unconfirmed and files):
            fixed |= {file.path: _from_head(file, fixed) for file in files}
        else:
            last = files
    return RequestedFixes(
        fixes=tuple(fixes),
        files=tuple(fixed.values()),
        unconfirmed=tuple(last) if len(findings) == 1 else (),
    )


def _from_head(file: FixedFile, fixed: dict[str, FixedFile]) -> FixedFile:
    """The file with its content at the head as `before`, if an earlier fix changed it too."""
    earlier = fixed.get(file.path)
    if earlier is None:
        return file
    return FixedFile(
        path=file.path, before=earlier.before, after=file.after, is_executable=earlier.is_executable
    )
