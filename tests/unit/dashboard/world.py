"""The pages over a real database, asked in process; rows of two tenants; a small GitHub for signing in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.dashboard.access import DashboardAccess
from app.dashboard.live import ReviewBroadcast
from app.dashboard.pages import Dashboard, DashboardPages
from app.dashboard.sign_in import GitHubSignIn
from app.domain.job import Delivery, Job
from app.domain.model_call import Provider
from app.llm.circuits import OpenCircuit
from app.llm.costs import BudgetLimits
from app.store.call_tables import ModelCallRow
from app.store.columns import Row
from app.store.database import Database
from app.store.fix_tables import FixRow
from app.store.job_tables import DeliveryRow
from app.store.review_tables import (
    FindingRow,
    LearnedRuleRow,
    RejectionRow,
    RepositorySettingsRow,
    ReviewRow,
    StageResultRow,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TOKEN = "the-operators-token"
HOST = "quorum.test"
PAGES = (
    "/",
    "/now",
    "/findings",
    "/reviews",
    "/models",
    "/repositories",
    "/rules",
    "/settings",
    "/deliveries",
)
FROM_HERE = {"Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin"}


@dataclass(slots=True)
class FakeQueue:
    """The engine, as far as the pages ask it."""

    replayed: list[str] = field(default_factory=list[str])
    followed_up: list[Job] = field(default_factory=list[Job])

    async def check(self) -> None:
        return

    async def depth(self) -> dict[str, int]:
        return {"queued": 2, "running": 1}

    async def replay(self, guid: str) -> bool:
        self.replayed.append(guid)
        return True

    async def follow_up(self, delivery: Delivery, job: Job) -> None:
        assert delivery.event == "dashboard"
        self.followed_up.append(job)


@dataclass(slots=True, kw_only=True)
class Site:
    """The dashboard of a database."""

    database: Database
    token: str | None = TOKEN
    people: GitHubSignIn | None = None
    circuits: Sequence[OpenCircuit] = ()
    seconds: float = 1_000_000.0
    queue: FakeQueue = field(default_factory=FakeQueue)
    live: ReviewBroadcast = field(default_factory=lambda: ReviewBroadcast(clock=lambda: NOW))

    async def open_circuits(self) -> Sequence[OpenCircuit]:
        return self.circuits

    def http(self) -> FastAPI:
        app = FastAPI()
        access = DashboardAccess(token=self.token, clock=lambda: self.seconds)
        dashboard = Dashboard(
            database=self.database,
            access=access,
            queue=self.queue,
            live=self.live,
            providers=(Provider.CLAUDE, Provider.GPT),
            open_circuits=self.open_circuits,
            replay=self.queue.replay,
            follow_up=self.queue.follow_up,
            redact=lambda text: text.replace("hunter2", "[redacted]"),
            github_sign_in=self.people,
            limits=BudgetLimits(repository_month_usd=25.0),
            clock=lambda: NOW,
            monotonic=lambda: self.seconds,
        )
        DashboardPages(dashboard).add_to(app)
        return app

    def browser(self, *, signed_in: bool = True) -> httpx.AsyncClient:
        """A client that keeps cookies and follows no redirect; `signed_in`: it names the token."""
        headers = {"Authorization": f"Bearer {self.token}"} if signed_in and self.token else {}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.http()), base_url=f"http://{HOST}", headers=headers
        )


def review_row(
    review_id: str = "r1",
    *,
    repository: str = "octo/shop",
    installation_id: int = 7,
    status: str = "completed",
    at: datetime = NOW - timedelta(hours=1),
) -> ReviewRow:
    return ReviewRow(
        id=review_id,
        installation_id=installation_id,
        repository=repository,
        pull_request=1,
        head_sha="a" * 40,
        trigger="opened",
        status=status,
        created_at=at,
        started_at=at,
        cost_usd=0.05,
    )


def call_row(
    review: ReviewRow,
    call_id: str = "c1",
    *,
    source: str = "claude:opus",
    outcome: str = "ok",
    latency_ms: int = 1_000,
    cost_usd: float | None = 0.01,
) -> ModelCallRow:
    provider, _, model = source.partition(":")
    return ModelCallRow(
        id=f"{review.id}-{call_id}",
        review_id=review.id,
        installation_id=review.installation_id,
        repository=review.repository,
        pull_request=review.pull_request,
        stage="review",
        provider=provider,
        model=model,
        prompt_id="review/user",
        prompt_version="1",
        attempt=1,
        outcome=outcome,
        latency_ms=latency_ms,
        input_tokens=100,
        cached_input_tokens=40,
        output_tokens=10,
        cost_usd=cost_usd,
        started_at=review.created_at,
        day=f"{review.created_at:%Y-%m-%d}",
    )


def finding_row(
    review: ReviewRow,
    fingerprint: str = "f1",
    *,
    title: str = "The value may be missing",
    outcome: str | None = "open",
    found_by: Sequence[str] = ("claude:opus",),
    confirmed_by: Sequence[str] = ("gpt:sol",),
) -> FindingRow:
    return FindingRow(
        id=f"{review.id}-{fingerprint}",
        review_id=review.id,
        installation_id=review.installation_id,
        repository=review.repository,
        pull_request=review.pull_request,
        fingerprint=fingerprint,
        stage="review",
        severity="high",
        path="shop/cart.py",
        line=8,
        start_line=8,
        side="RIGHT",
        found_by=list(found_by),
        confirmed_by=list(confirmed_by),
        placement="inline",
        outcome=outcome,
        rule_id="null-dereference",
        title=title,
        explanation="It is read before it is checked.",
        created_at=review.created_at,
    )


def rejection_row(review: ReviewRow, *, reason: str = "Refuted by gpt:sol: it is checked.") -> RejectionRow:
    return RejectionRow(
        id=f"{review.id}-rejected",
        review_id=review.id,
        stage="review",
        severity="low",
        rule_id="style",
        path="shop/cart.py",
        line=3,
        title=f"Rejected in {review.repository}",
        reason=reason,
        found_by=["claude:opus"],
        created_at=review.created_at,
    )


def rule_row(review: ReviewRow) -> LearnedRuleRow:
    return LearnedRuleRow(
        id=f"{review.id}-rule",
        installation_id=review.installation_id,
        repository=review.repository,
        rule_id="style",
        evidence=f"evidence of {review.repository}",
        dismissals=3,
        created_at=review.created_at,
    )


def fix_row(review: ReviewRow, id_: str = "fix", **fields: str | float | None) -> FixRow:
    """A committed fix of a finding of the review."""
    given = {
        "id": f"{review.id}-{id_}",
        "installation_id": review.installation_id,
        "repository": review.repository,
        "pull_request": review.pull_request,
        "fingerprint": id_,
        "request": "review_comment-1",
        "status": "confirmed",
        "fixed_by": "claude:opus",
        "confirmed_by": "gpt:sol",
        "commit_sha": "c" * 40,
        "cost_usd": 0.5,
        "created_at": review.created_at,
    }
    return FixRow.model_validate(given | fields)


def delivery_row(review: ReviewRow, *, state: str = "failed") -> DeliveryRow:
    return DeliveryRow(
        guid=f"{review.id}-delivery",
        event="pull_request",
        action="opened",
        installation_id=review.installation_id,
        repository=review.repository,
        pull_request=review.pull_request,
        received_at=review.created_at,
        state=state,
        job_key=review.id,
        request={},
    )


def add(database: Database, review: ReviewRow, *rows: Row) -> None:
    """A review, then what belongs to it."""
    with database.write() as session:
        session.add(review)
        session.flush()
        session.add_all(rows)


def add_tenant(database: Database, review_id: str, *, repository: str, installation_id: int) -> ReviewRow:
    """One row of everything."""
    review = review_row(review_id, repository=repository, installation_id=installation_id)
    stage = StageResultRow(
        review_id=review_id, stage="review", status="completed", route=f"route in {repository}"
    )
    add(
        database,
        review,
        call_row(review, source=f"claude:model-of-{repository}"),
        finding_row(review, title=f"Finding in {repository}", found_by=[f"claude:model-of-{repository}"]),
        rejection_row(review),
        rule_row(review),
        delivery_row(review),
        fix_row(review, fixed_by=f"claude:model-of-{repository}"),
        stage,
        RepositorySettingsRow(
            installation_id=installation_id,
            repository=repository,
            entries={"gate": ['"high"', "repository"], "language": [f'"{repository}"', "default"]},
            problems=[f"problem in {repository}"],
            read_at=review.created_at,
        ),
    )
    return review


class FakeGitHub:
    """Sign-in of a GitHub: codes, tokens, and what each person can read in each installation."""

    def __init__(self, readable: Mapping[str, Mapping[int, Sequence[str]]]) -> None:
        self.readable = {login: dict(places) for login, places in readable.items()}
        self.writable: Mapping[str, Sequence[str]] = {}
        self.asked = 0
        self.challenges: list[str] = []

    def transport(self) -> httpx.ASGITransport:
        paths = {
            "/user": self.user,
            "/user/installations": self.installations,
            "/user/installations/{number:int}/repositories": self.repositories,
        }
        routes = [Route(path, answer) for path, answer in paths.items()]
        token = Route("/login/oauth/access_token", self.token, methods=["POST"])
        app = FastAPI(routes=[*routes, token])
        return httpx.ASGITransport(app)

    async def token(self, request: Request) -> Response:
        form = await request.form()
        assert form["client_id"] == "client"
        assert form["client_secret"] == "client-secret"
        assert str(form["code_verifier"])
        code = str(form["code"])
        if code.removeprefix("code-") not in self.readable:
            return JSONResponse({"error": "bad_verification_code"})
        return JSONResponse({"access_token": code.replace("code-", "ghu_"), "token_type": "bearer"})

    async def user(self, request: Request) -> Response:
        self.asked += 1
        login = self._login(request)
        return JSONResponse({"login": login}) if login else JSONResponse({"message": "no"}, status_code=401)

    async def installations(self, request: Request) -> Response:
        places = self.readable[self._login(request)]
        return JSONResponse(
            {"total_count": len(places), "installations": [{"id": number} for number in places]}
        )

    async def repositories(self, request: Request) -> Response:
        names = self.readable[self._login(request)][request.path_params["number"]]
        page, size = int(request.query_params["page"]), int(request.query_params["per_page"])
        shown = names[(page - 1) * size : page * size]
        writable = self.writable.get(self._login(request), ())
        found = [{"full_name": name, "permissions": {"push": name in writable}} for name in shown]
        return JSONResponse({"total_count": len(names), "repositories": found})

    def _login(self, request: Request) -> str:
        login = request.headers["authorization"].split()[-1].removeprefix("ghu_")
        return login if login in self.readable else ""
