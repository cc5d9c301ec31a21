"""A repository with the verbs of its people: push, open a pull request, re-run a check, queue a merge."""

from collections.abc import Mapping, Sequence

from github_sandbox import checks, events
from github_sandbox.errors import not_found
from github_sandbox.git import FileContent
from github_sandbox.model import ROLES, HubState, RepositoryState
from github_sandbox.pull import NO_COMMIT, PullLifecycle, announce_push
from github_sandbox.state import (
    Account,
    CheckRun,
    CheckSuite,
    Issue,
    Json,
    OtherApp,
    Posted,
    RequiredCheck,
)

GITHUB_ACTIONS = OtherApp(id=15368, slug="github-actions")


class Pull(PullLifecycle):
    """A pull request; `Repository.open_pull` opens one."""

    repository: "Repository"  # pyright: ignore[reportIncompatibleVariableOverride] - only a Repository opens one

    def unread(self, kind: str | None = None) -> list[Posted]:
        """What the App posted on this pull request and no test has taken, oldest first."""
        return [p for p in self.repository.posted if kind in (None, p.kind) and self._is_here(p)]

    def _is_here(self, item: Posted) -> bool:
        target = item.target
        here = [*self.issue_comments, *self.reviews, *self.review_comments(), *self.threads, self]
        if item.kind == "sarif":
            return target["ref"] == f"refs/pull/{self.number}/head"
        if item.kind == "check_run":
            return target.head_sha in (self.head_sha, *self.commits())
        return any(target is one for one in here)

    def take(self, kind: str) -> Posted:
        """Take the oldest unread post of a kind; LookupError if there is none."""
        for item in self.unread(kind):
            self.repository.posted.remove(item)
            return item
        raise LookupError(f"the App posted no {kind} (unread: {[p.kind for p in self.unread()]})")

    def take_all(self, kind: str | None = None) -> list[Posted]:
        """Take all unread posts, or those of one kind."""
        items = self.unread(kind)
        self.repository.posted = [p for p in self.repository.posted if p not in items]
        return items


class Repository(RepositoryState):
    """A repository; `GitHubSandbox.create_repository` creates one. `user` is a login."""

    def __init__(
        self, hub: HubState, *, owner: Account, name: str, private: bool, default_branch: str
    ) -> None:
        super().__init__(hub, owner=owner, name=name, private=private, default_branch=default_branch)
        self._pulls: dict[int, Pull] = {}

    @property
    def pulls(self) -> dict[int, Pull]:
        """Pull requests by number."""
        return self._pulls

    def pull(self, number: int) -> Pull:
        """A pull request by number; 404 if there is none."""
        if number not in self._pulls:
            raise not_found()
        return self._pulls[number]

    def set_role(self, login: str, role: str) -> None:
        """Give an account a role: admin, maintain, write, triage, read or none."""
        if role not in ROLES:
            raise ValueError(f"{role!r} is not a role: {ROLES}")
        self.hub.account(login)
        self.roles[login] = role

    def require_check(
        self, context: str, *, branch: str | None = None, app_id: int | None = None, classic: bool = False
    ) -> None:
        """Require a check on a branch (default: the default branch), with a ruleset or with classic protection."""
        check = RequiredCheck(
            context=context, branch=branch or self.default_branch, app_id=app_id, is_classic=classic
        )
        self.required_checks.append(check)

    def protect(self, branch: str, *, classic: bool = True) -> None:
        """Require pull requests for a branch, with classic protection or with a ruleset."""
        self.protected[branch] = classic

    def protection_of(self, branch: str) -> str:
        """Why GitHub refuses to move a branch directly; empty if it does not."""
        if branch not in self.protected:
            return ""
        if self.protected[branch]:
            return "Changes must be made through a pull request."
        return "Repository rule violations found\n\nChanges must be made through a pull request.\n\n"

    def move_branch(self, branch: str, sha: str, *, user: str) -> None:
        """Point a branch at a commit, and announce the push to it and to its open pull requests."""
        ref = f"refs/heads/{branch}"
        before = self.git.resolve(ref)
        self.git.point(ref, sha)
        announce_push(self, ref, before or NO_COMMIT, sha, author=user, forced=False)
        for pull in self.pulls.values():
            if pull.state == "open" and pull.head_ref == branch and not pull.is_from_fork:
                pull.follow_branch(sha, user)

    def push(
        self,
        files: Mapping[str, FileContent],
        *,
        branch: str | None = None,
        author: str = "alice",
        message: str = "Change",
        announce: bool = True,
    ) -> str:
        """Commit to a branch (default: the default branch) and return the sha."""
        ref = f"refs/heads/{branch or self.default_branch}"
        before = self.git.resolve(ref)
        sha = self.git.commit(
            files,
            ref=ref,
            parents=[before] if before else [],
            message=message,
            author=author,
            at=self.hub.clock(),
        )
        if announce:
            announce_push(self, ref, before or NO_COMMIT, sha, author=author, forced=False)
        return sha

    def open_issue(self, title: str, body: str = "", *, author: str = "alice") -> Issue:
        """Open an issue; it gets the next number, which pull requests share."""
        number = len(self._pulls) + len(self.issues) + 1
        self.issues[number] = Issue(number=number, title=title, body=body, author=self.hub.account(author))
        return self.issues[number]

    def open_pull(
        self,
        files: Mapping[str, FileContent],
        *,
        title: str = "Change",
        body: str = "",
        author: str = "alice",
        branch: str | None = None,
        base: str | None = None,
        fork: str | None = None,
        draft: bool = False,
        labels: Sequence[str] = (),
        message: str = "Change",
        head_sha: str | None = None,
    ) -> Pull:
        """Open a pull request with one commit on top of the base branch, or from the existing commit `head_sha`.

        `files` are the changes against the base. `fork` is the login of the fork's owner: then only
        `refs/pull/N/head` is in this repository, not the head branch.
        """
        number = len(self._pulls) + len(self.issues) + 1
        pull = Pull(
            self,
            number=number,
            title=title,
            body=body,
            author=self.hub.account(author),
            base_ref=base or self.default_branch,
            head_ref=branch or f"change-{number}",
            fork_owner=fork,
            draft=draft,
            labels=list(labels),
        )
        self._pulls[number] = pull
        pull.open(files, message=message, head_sha=head_sha)
        return pull

    def create_check_run(self, body: Json) -> CheckRun:
        """Do what `POST /check-runs` does; `checks.check_request` rejects what GitHub rejects."""
        checks.check_request(body, creating=True)
        head = self.git.resolve(str(body["head_sha"]))
        if head is None:
            raise checks.no_commit(str(body["head_sha"]))
        run = CheckRun(
            id=self.hub.next_id(),
            suite=self.suite_of(head),
            name=body["name"],
            head_sha=head,
            created_at=self.hub.clock(),
        )
        self.check_runs[run.id] = run
        self._change_check_run(run, body, "created")
        return run

    def fail_check(
        self, head_sha: str, name: str, annotations: Sequence[Json] = (), *, body: Json | None = None
    ) -> CheckRun:
        """Another App, GitHub Actions, completes a check run with the conclusion `failure`, or what `body` says."""
        output: Json = {"title": f"{name} failed", "summary": "", "annotations": list(annotations)}
        request: Json = {"name": name, "head_sha": head_sha, "conclusion": "failure", "output": output}
        request |= body or {}
        checks.check_request(request, creating=True)
        suite = CheckSuite(
            id=self.hub.next_id(),
            head_sha=head_sha,
            head_branch=None,
            before=None,
            created_at=self.hub.clock(),
            other=GITHUB_ACTIONS,
        )
        run = CheckRun(
            id=self.hub.next_id(), suite=suite, name=name, head_sha=head_sha, created_at=self.hub.clock()
        )
        self.check_runs[run.id] = run
        checks.apply(run, request, now=self.hub.clock())
        return run

    def update_check_run(self, run: CheckRun, body: Json) -> None:
        """Do what `PATCH /check-runs/{id}` does: append annotations, replace the rest."""
        checks.check_request(body, creating=False)
        self._change_check_run(run, body, "completed" if body.get("conclusion") else "")

    def _change_check_run(self, run: CheckRun, body: Json, action: str) -> None:
        checks.apply(run, body, now=self.hub.clock())
        edited = action != "created"
        item = Posted(kind="check_run", id=run.id, body=run.summary or "", target=run, edited=edited)
        self.record(item)
        if action:
            self.emit("check_run", events.check_run(self, self.hub.bot, run, action))

    def rerequest(self, run: CheckRun, user: str = "alice") -> None:
        """Press "Re-run" on a check run."""
        self.emit("check_run", events.check_run(self, self.hub.account(user), run, "rerequested"))

    def rerequest_suite(self, sha: str, user: str = "alice") -> None:
        """Press "Re-run all checks"."""
        suite = self.suite_of(sha)
        self.emit("check_suite", events.check_suite(self, self.hub.account(user), suite, "rerequested"))

    def request_action(self, run: CheckRun, identifier: str, user: str = "alice") -> None:
        """Press a button of a completed check run; KeyError for a button that it does not have."""
        if run.status != "completed" or identifier not in {a["identifier"] for a in run.actions}:
            raise KeyError(identifier)
        chosen = {"identifier": identifier}
        sender = self.hub.account(user)
        payload = events.check_run(self, sender, run, "requested_action", requested_action=chosen)
        self.emit("check_run", payload)

    def queue_merge(
        self, pulls: Sequence[Pull], *, user: str = "alice", squash: bool = False, onto: str | None = None
    ) -> str:
        """Add pull requests to the merge queue, on top of the group `onto`; return the sha to check.

        With `squash`, the group contains none of their commits.
        """
        base = onto or self.commit(self.default_branch)
        ref = f"refs/heads/gh-readonly-queue/{self.default_branch}/pr-{pulls[-1].number}-{base}"
        head = self.git.commit(
            {path: content for pull in pulls for path, content in pull.files().items()},
            ref=ref,
            parents=[base, *(pull.head_sha for pull in pulls if not squash)],
            message=f"Merge pull request #{pulls[-1].number}",
            author=user,
            at=self.hub.clock(),
        )
        sender = self.hub.account("github-merge-queue[bot]")
        payload = events.merge_group(
            self, sender, action="checks_requested", head_sha=head, head_ref=ref, base_sha=base
        )
        self.emit("merge_group", payload)
        return head
