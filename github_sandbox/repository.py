"""A repository with the verbs that people and GitHub itself have on it: push, open a pull request, rerequest a check."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import uuid4

from github_sandbox import checks, events
from github_sandbox.code_scanning import read_upload
from github_sandbox.diffs import FileChange, file_changes
from github_sandbox.errors import not_found
from github_sandbox.git import FileContent, GitRepository
from github_sandbox.pull import NO_COMMIT, Pull
from github_sandbox.state import Account, CheckRun, CheckSuite, Json, Posted

if TYPE_CHECKING:
    from github_sandbox.hub import GitHubSandbox

ROLES = ("admin", "maintain", "write", "triage", "read", "none")


class Repository:
    """A repository. Forks share its object store, as they do on GitHub, and have no store of their own."""

    def __init__(
        self, hub: "GitHubSandbox", *, owner: Account, name: str, private: bool, default_branch: str
    ) -> None:
        self.hub = hub
        self.id = hub.next_id()
        self.owner = owner
        self.name = name
        self.private = private
        self.default_branch = default_branch
        self.is_fork = False
        self.created_at = hub.clock()
        self.git = GitRepository(hub.root / owner.login / f"{name}.git")
        self.pulls: dict[int, Pull] = {}
        self.check_runs: dict[int, CheckRun] = {}
        self.check_suites: dict[str, CheckSuite] = {}
        self.roles: dict[str, str] = {}
        self.associations: dict[str, str] = {}
        self.label_ids: dict[str, int] = {}
        self.code_scanning = True
        self.dependency_changes: list[Json] | None = None  # of the dependency review; None: it is off
        self.posted: list[Posted] = []

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner.login}/{self.name}"

    @property
    def url(self) -> str:
        """Its REST address."""
        return f"{self.hub.urls.api}/repos/{self.full_name}"

    @property
    def html_url(self) -> str:
        """Its page."""
        return f"{self.hub.urls.html}/{self.full_name}"

    def set_role(self, login: str, role: str) -> None:
        """Give someone a role: admin, maintain, write, triage, read or none."""
        if role not in ROLES:
            raise ValueError(f"{role!r} is no role of GitHub's: {ROLES}")
        self.hub.account(login)
        self.roles[login] = role

    def role(self, login: str) -> str:
        """Someone's role; everybody reads a public repository."""
        if login == self.owner.login:
            return "admin"
        return self.roles.get(login, "none" if self.private else "read")

    def association(self, login: str) -> str:
        """`author_association`, which GitHub gets wrong: members show as CONTRIBUTOR or NONE.

        Only the owner is told right; `associations` says what else it claims. Seen in
        https://github.com/cockroachdb/cockroach/issues/172585.
        """
        if login == self.owner.login:
            return "OWNER"
        return self.associations.get(
            login, "CONTRIBUTOR" if self.role(login) in ("admin", "write") else "NONE"
        )

    def commit(self, ref: str) -> str:
        """The sha of a reachable commit, by branch or sha; 404 where there is none."""
        sha = self.git.resolve(ref.removeprefix("heads/"))
        if sha is None:
            raise not_found()
        return sha

    def changes(self, base: str, head: str) -> list[FileChange]:
        """Files that differ from the merge base of two commits to the second."""
        return file_changes(self.git, self.git.merge_base(base, head) or base, head, self.hub.limits)

    def push(
        self,
        files: Mapping[str, FileContent],
        *,
        branch: str | None = None,
        author: str = "alice",
        message: str = "Change",
        announce: bool = True,
    ) -> str:
        """Commit to a branch of this repository (default: the default branch); pull requests from it move along."""
        name = branch or self.default_branch
        ref = f"refs/heads/{name}"
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
            self.announce_push(ref, before or NO_COMMIT, sha, author, forced=False)
        return sha

    def announce_push(self, ref: str, before: str, after: str, author: str, *, forced: bool) -> None:
        """What GitHub tells the App of a push: `push`, and a check suite that wants to be filled."""
        sender = self.hub.account(author)
        self.emit("push", events.push(self, sender, ref=ref, before=before, after=after, forced=forced))
        suite = self.suite_of(after, branch=ref.removeprefix("refs/heads/"), before=before)
        self.emit("check_suite", events.check_suite(self, sender, suite, "requested"))

    def emit(self, event: str, payload: Json) -> None:
        """Queue a webhook of this repository."""
        self.hub.hook.emit(event, payload, self.hub.installation_on(self.full_name))

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
        """Open a pull request with one commit on top of the base branch, or from a commit that there is.

        `files` are the changes against the base. `fork` is the login of the fork's owner: then the head branch is
        not in this repository, only `refs/pull/N/head` is.
        """
        number = len(self.pulls) + 1
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
        self.pulls[number] = pull
        pull.open(files, message=message, head_sha=head_sha)
        return pull

    def fork(self, owner: str) -> "Repository":
        """This repository's fork under another owner."""
        name = f"{owner}/{self.name}"
        if name not in self.hub.repositories:
            fork = Repository(
                self.hub,
                owner=self.hub.account(owner),
                name=self.name,
                private=self.private,
                default_branch=self.default_branch,
            )
            fork.is_fork = True
            fork.git = self.git
            self.hub.repositories[name] = fork
        return self.hub.repositories[name]

    def pull(self, number: int) -> Pull:
        """A pull request by number; 404 where there is none."""
        if number not in self.pulls:
            raise not_found()
        return self.pulls[number]

    def suite_of(self, sha: str, *, branch: str | None = None, before: str | None = None) -> CheckSuite:
        """The App's check suite on a commit; a fork's has no branch."""
        if sha not in self.check_suites:
            self.check_suites[sha] = CheckSuite(
                id=self.hub.next_id(),
                head_sha=sha,
                head_branch=branch or self._branch_of(sha),
                before=before,
                created_at=self.hub.clock(),
            )
        return self.check_suites[sha]

    def _branch_of(self, sha: str) -> str | None:
        own = [p.head_ref for p in self.pulls.values() if p.head_sha == sha and not p.is_from_fork]
        return own[0] if own else None

    def create_check_run(self, body: Json) -> CheckRun:
        """What `POST /check-runs` does; see `github_sandbox.checks` for what it refuses."""
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

    def update_check_run(self, run: CheckRun, body: Json) -> None:
        """What `PATCH /check-runs/{id}` does: annotations are appended, the rest is replaced."""
        checks.check_request(body, creating=False)
        self._change_check_run(run, body, "completed" if body.get("conclusion") else "")

    def _change_check_run(self, run: CheckRun, body: Json, action: str) -> None:
        checks.apply(run, body, now=self.hub.clock())
        self.record(
            Posted(
                kind="check_run", id=run.id, body=run.summary or "", target=run, edited=action != "created"
            )
        )
        if action:
            self.emit("check_run", events.check_run(self, self.hub.bot, run, action))

    def keep_sarif(self, body: Json) -> str:
        """What `POST /code-scanning/sarifs` does; returns the receipt's id."""
        log = read_upload(self, body)
        text = json.dumps(log)
        self.record(Posted(kind="sarif", id=self.hub.next_id(), body=text, target={**body, "sarif": log}))
        return str(uuid4())

    def rerequest(self, run: CheckRun, user: str = "alice") -> None:
        """Someone presses "Re-run" on a check run."""
        self.emit("check_run", events.check_run(self, self.hub.account(user), run, "rerequested"))

    def rerequest_suite(self, sha: str, user: str = "alice") -> None:
        """Someone presses "Re-run all checks"."""
        suite = self.suite_of(sha)
        self.emit("check_suite", events.check_suite(self, self.hub.account(user), suite, "rerequested"))

    def request_action(self, run: CheckRun, identifier: str, user: str = "alice") -> None:
        """Someone presses a button of a completed check run; KeyError for a button it has not."""
        if run.status != "completed" or identifier not in {a["identifier"] for a in run.actions}:
            raise KeyError(identifier)
        payload = events.check_run(
            self,
            self.hub.account(user),
            run,
            "requested_action",
            requested_action={"identifier": identifier},
        )
        self.emit("check_run", payload)

    def queue_merge(
        self, pulls: Sequence[Pull], *, user: str = "alice", squash: bool = False, onto: str | None = None
    ) -> str:
        """Put pull requests into the merge queue, `onto` the group before; returns the sha that checks are wanted for.

        A queue that squashes leaves none of their commits in the group.
        """
        base = onto or self.commit(self.default_branch)
        ref = f"refs/heads/gh-readonly-queue/{self.default_branch}/pr-{pulls[-1].number}-{base}"
        parents = [base, *(pull.head_sha for pull in pulls if not squash)]
        head = self.git.commit(
            self._merged_files(pulls),
            ref=ref,
            parents=parents,
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

    def _merged_files(self, pulls: Sequence[Pull]) -> dict[str, FileContent]:
        files: dict[str, FileContent] = {}
        for pull in pulls:
            for change in pull.changes():
                files[change.filename] = self.git.file(pull.head_sha, change.filename)
        return files

    def record(self, item: Posted) -> None:
        """Keep what the App posted until a test takes it; an edit stands in for the text before it."""
        self.hub.posted.append(item)
        self.posted = [p for p in self.posted if (p.kind, p.id) != (item.kind, item.id)] + [item]
