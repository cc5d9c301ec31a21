"""One request for fixes: fixes open findings, and commits, proposes or shows what was confirmed.

A finding's fix is one step, so a restart asks no model again. The commit is one write of the ledger, and its message
names the request, so a restart finds it. If the head moves meanwhile, the job starts over on the new head.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.configuration import Fixes
from app.domain.finding import Finding
from app.domain.fix import BranchCommit, FindingFix, FixedFile, FixObstacle, FixWriter
from app.domain.pull_request import PullRequest
from app.domain.step import Checkpoint
from app.errors import BranchTaken, GitHubForbidden, GitHubRejected, HeadMoved, Postponed
from app.fixes.checks import FixState
from app.fixes.fixing import fix_finding
from app.fixes.patch import is_plain, render_patch
from app.fixes.questions import FixQuestions
from app.fixes.request import MAX_FINDINGS, RequestedFixes, fix_findings
from app.jobs.comment import IncomingComment, moved_to
from app.jobs.fix_commits import find_commit, fixed_in, is_conventional, newer_than
from app.publish import fixes as texts
from app.store.fixes import record_fixes
from app.store.pull_requests import KnownFinding

logger = logging.getLogger(__name__)

BRANCH_PREFIX = "quorum/fix-"


def request_name(comment: IncomingComment) -> str:
    """The name of the request in commit messages and branches."""
    return f"{comment.job.comment_kind}-{comment.job.comment_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FixJob:
    """One request for fixes that may be made."""

    comment: IncomingComment
    pull: PullRequest
    mode: Fixes

    async def run(self, known: Sequence[KnownFinding]) -> None:
        """Make the fixes and answer."""
        comment, writer = self.comment, self.comment.access.fixes
        await self._check_same_head()
        obstacle = await self._obstacle(writer)
        history = await writer.history(self.pull) if writer and self._writes(obstacle) else ()
        own = await writer.own_login() if history and writer else ""
        done = await self._fixed_by_others(known, history, own)
        todo = [each for each in known if each.finding.fingerprint not in done]
        if not todo:
            await comment.answer(texts.render_already_fixed(sorted(set(done.values())), key=comment.key))
            return
        findings = [await self._moved(each.finding) for each in todo[:MAX_FINDINGS]]
        made = await self._make(findings)
        reply = texts.FixReply(
            findings={each.fingerprint: each for each in findings},
            fixes=made.fixes,
            patch=render_patch(made.files or made.unconfirmed),
            is_plain=all(map(is_plain, made.files or made.unconfirmed)),
            left=max(0, len(todo) - MAX_FINDINGS),
            fixed_before=len(done),
        )
        written = _Written(obstacle=obstacle)
        if made.files and writer and self._writes(obstacle):
            written = await self._write(writer, made, history)
        await asyncio.to_thread(self._record, made, written)
        await comment.answer(
            texts.render_fix_reply(written.added_to(reply), key=comment.key, redact=comment.redact)
        )

    def _record(self, made: RequestedFixes, written: "_Written") -> None:
        record_fixes(
            self.comment.environment.database,
            self.pull.ref,
            made.fixes,
            installation_id=self.comment.job.installation_id,
            request=request_name(self.comment),
            commit_sha=written.commit,
            at=self.comment.now(),
        )

    async def _fixed_by_others(
        self, known: Sequence[KnownFinding], history: Sequence[BranchCommit], own: str
    ) -> Mapping[str, str]:
        """The findings that commits of other requests fix, with the commit, if no review has read it yet."""
        newer = newer_than(history, (await self.comment.memory()).reviewed_sha)
        return fixed_in(newer, [each.finding.fingerprint for each in known], by=own)

    async def _check_same_head(self) -> None:
        """Start over if the job was interrupted and the pull request was pushed to meanwhile."""

        async def read() -> str:
            return self.pull.head_sha

        if await self.comment.step(Checkpoint("fix head", str), read) != self.pull.head_sha:
            raise Postponed(0.0, reason="The pull request was pushed to while its fix was made.")

    def _writes(self, obstacle: FixObstacle | None) -> bool:
        return self.mode in (Fixes.COMMIT, Fixes.PULL_REQUEST) and obstacle is None

    async def _obstacle(self, writer: FixWriter | None) -> FixObstacle | None:
        if writer is None or self.mode is Fixes.SUGGEST:
            return None
        obstacle = await writer.obstacle(self.pull)
        is_new_branch = self.mode is Fixes.PULL_REQUEST
        return None if is_new_branch and obstacle is FixObstacle.PROTECTED else obstacle

    async def _moved(self, finding: Finding) -> Finding:
        """The finding at the current line of its thread."""
        threads = (await self.comment.snapshot()).threads
        own = (each for each in threads if each.fingerprint == finding.fingerprint)
        return moved_to(finding, next(own, None))

    async def _make(self, findings: Sequence[Finding]) -> RequestedFixes:
        comment = self.comment
        snapshot = await comment.snapshot()
        questions = FixQuestions(
            services=comment.environment.services,
            config=(await comment.configuration()).config,
            scope=comment.scope,
            snapshot=snapshot,
        )
        assert comment.access.open_head, "GitHub has the files of a pull request"

        async def make(finding: Finding, state: FixState) -> FindingFix:
            return await comment.step(
                Checkpoint(f"fix {finding.fingerprint[:12]}", FindingFix),
                lambda: fix_finding(finding, state, questions),
            )

        return await fix_findings(
            findings, diff=snapshot.diff, head=comment.access.open_head(self.pull.head_sha), fix=make
        )

    async def _new_obstacle(self) -> FixObstacle | None:
        """What has come up while the fixes were made."""
        current = await self.comment.access.writer.pull_request()
        if current.state != "open":
            return FixObstacle.CLOSED
        return None if await self.comment.is_still_permitted() else FixObstacle.NOT_PERMITTED

    async def _write(
        self, writer: FixWriter, made: RequestedFixes, history: Sequence[BranchCommit]
    ) -> "_Written":
        if obstacle := await self._new_obstacle():
            return _Written(obstacle=obstacle)
        message = texts.render_commit_message(
            made.confirmed,
            conventional=is_conventional(history),
            request=request_name(self.comment),
            asked_by=self._asked_by(),
            redact=self.comment.redact,
        )
        try:
            if self.mode is Fixes.PULL_REQUEST:
                return _Written(number=await self._propose(writer, made.files, message))
            return _Written(commit=await self._commit(writer, made.files, message))
        except HeadMoved as error:
            raise Postponed(0.0, reason=str(error)) from error
        except BranchTaken:
            return _Written(obstacle=FixObstacle.BRANCH_TAKEN)
        except GitHubForbidden:
            return _Written(obstacle=FixObstacle.NO_PERMISSION)
        except GitHubRejected as error:
            logger.warning("GitHub refused a fix of %s: %s", self.pull.ref, error)
            return _Written(obstacle=FixObstacle.REFUSED, detail=str(error))

    def _asked_by(self) -> str:
        job = self.comment.job
        return f"{job.author} <{job.author_id}+{job.author}@users.noreply.github.com>"

    async def _commit(self, writer: FixWriter, files: Sequence[FixedFile], message: str) -> str:
        """Commit once; a commit of an interrupted attempt is found by its message."""
        made: list[str] = []

        async def find() -> int | None:
            current = await self.comment.access.writer.pull_request()
            own = await writer.own_login()
            done = find_commit(
                await writer.history(current), f"Quorum-Fix: {request_name(self.comment)}", by=own
            )
            made.extend([done.sha] if done else [])
            return 1 if done else None

        async def write() -> int:
            made.append(await writer.commit(self.pull, files, message))
            return 1

        async def commit() -> str:
            await self.comment.access.ledger.write_once("commit", find=find, write=write)
            if not made:
                await find()
            return made[0] if made else ""

        return await self.comment.step(Checkpoint("commit", str), commit)

    async def _propose(self, writer: FixWriter, files: Sequence[FixedFile], message: str) -> int:
        branch = f"{BRANCH_PREFIX}{request_name(self.comment)}"

        async def find() -> int | None:
            return await writer.find_proposal(self.pull, branch=branch)

        async def write() -> int:
            title = message.partition("\n")[0]
            body = texts.render_proposal(self.pull.ref.number)
            return await writer.propose(self.pull, files, message, branch=branch, title=title, body=body)

        return await self.comment.step(
            Checkpoint("propose", int),
            lambda: self.comment.access.ledger.write_once("propose", find=find, write=write),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """What became of the confirmed fixes."""

    commit: str | None = None
    number: int | None = None
    obstacle: FixObstacle | None = None
    detail: str = ""

    def added_to(self, reply: texts.FixReply) -> texts.FixReply:
        """The reply with this result."""
        return replace(
            reply,
            commit=self.commit,
            pull_request=self.number,
            obstacle=texts.explain_obstacle(self.obstacle, self.detail) if self.obstacle else "",
        )
