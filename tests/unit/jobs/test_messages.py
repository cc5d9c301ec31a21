"""Budget alerts and the weekly digest: when they are due, and how they reach Slack, Teams and a mail server."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from email.policy import default as default_policy
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from app.domain.job import Delivery, Job, NotificationJob
from app.domain.notification import BudgetNear, News, WeeklyDigest
from app.errors import ConfigurationError, NotificationFailed
from app.jobs.chat import incoming_webhook, open_mail, slack_body, teams_body
from app.jobs.notifications import NotificationHandler, Notifications
from app.jobs.reminders import Reminders
from app.publish.messages import render_message
from app.store.call_tables import SpendRow
from app.store.database import Database
from app.store.deliveries import job_to_json, parse_job
from app.store.review_tables import ReviewRow
from tests.fakes.company_network import issue

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NEAR = BudgetNear(
    budget="repository_month",
    account="repository:7:octo/a<b:2026-11",
    percent=80,
    spent_usd=20.5,
    limit_usd=25.0,
    repository="octo/a<b",
)


def fill(database: Database) -> None:
    review = ReviewRow(
        id="r1",
        installation_id=7,
        repository="octo/shop",
        pull_request=1,
        trigger="opened",
        status="failed",
        created_at=MONDAY - timedelta(days=3),
    )
    spends = {
        "repository:7:octo/shop:2026-11": (20.5, 25.0),
        "installation:7:2026-11": (50.0, 50.0),
        "repository:7:octo/other:2026-11": (1.0, 25.0),
        "repository:7:octo/free:2026-11": (99.0, None),
        "repository:7:octo/shop:2026-10": (25.0, 25.0),
    }
    with database.write() as session:
        session.add(review)
        for account, (spent, limit) in spends.items():
            session.add(SpendRow(account=account, spent_usd=spent, limit_usd=limit, updated_at=MONDAY))


async def test_budgets_and_weeks_are_reported_when_they_are_due(database: Database) -> None:
    fill(database)
    sent: list[News] = []

    async def notify(news: News) -> None:
        sent.append(news)

    for now in (MONDAY, MONDAY.replace(hour=7), MONDAY + timedelta(days=7)):
        await Reminders(database=database, notify=notify, clock=lambda now=now: now).send_due()
    budgets = [(each.account, each.percent) for each in sent if isinstance(each, BudgetNear)]
    assert budgets[:2] == [("repository:7:octo/shop:2026-11", 80), ("installation:7:2026-11", 100)]
    (digest,) = [each for each in sent if isinstance(each, WeeklyDigest)]
    assert (digest.week, digest.reviews, digest.failed_reviews) == ("2026-W47", 1, 1)
    assert len({each.id for each in sent}) == 3


async def test_each_recipient_gets_its_own_job_and_single_reviews_only_the_webhook(
    database: Database,
) -> None:
    del database
    jobs: list[NotificationJob] = []

    class Queue:
        async def follow_up(self, delivery: Delivery, job: Job) -> None:
            assert isinstance(job, NotificationJob)
            assert delivery.guid == job.key
            jobs.append(job)

    notifications = Notifications()
    notifications.open(Queue(), clock=lambda: MONDAY, recipients=("webhook", "slack", "email"))
    await notifications.notify(NEAR)
    assert [job.key.removeprefix(NEAR.id) for job in jobs] == ["", ".slack", ".email"]
    assert [parse_job(job_to_json(job)) for job in jobs] == jobs
    old = job_to_json(jobs[0])
    del old["to"]
    assert parse_job(old) == jobs[0]  # of the release before


async def test_slack_and_teams_get_text_that_they_do_not_interpret() -> None:
    bodies: list[dict[str, object]] = []

    def take(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(200 if len(bodies) < 3 else 404)

    for body in (slack_body, teams_body):
        channel = incoming_webhook(
            "https://hooks.example.com/x",
            body,
            setting="QUORUM_SLACK_URL",
            public_url="https://q.example.com",
            transport=httpx.MockTransport(take),
        )
        await channel.send(NEAR)
    assert bodies[0] == {
        "text": "Quorum: 80% of a budget is spent\n"
        "octo/a&lt;b: 20.50 of 25.00 USD, the budget of a repository per month.\nhttps://q.example.com/reports"
    }
    assert "octo/a<b: 20.50 of 25.00 USD" in json.dumps(bodies[1])
    with pytest.raises(NotificationFailed, match="status 404"):
        await channel.send(NEAR)
    assert "hooks.example.com" not in repr(channel)


class Mailbox:
    """The messages that a mail server took."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        del server, session
        self.taken.append(envelope)
        return "250 OK"


@asynccontextmanager
async def mail_server(mailbox: Mailbox, **options: Any) -> AsyncGenerator[int]:
    """aiosmtpd on loopback, strict about RFC 5321; returns its port."""
    tls = options.pop("tls", None)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="mail.example.com", loop=loop, **options), "127.0.0.1", 0, ssl=tls
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def test_e_mail_reaches_the_server_and_a_missing_server_is_an_error(database: Database) -> None:
    mailbox = Mailbox()
    async with mail_server(mailbox) as port:
        mail = open_mail(
            f"smtp://127.0.0.1:{port}",
            sender="q@example.com",
            recipients="a@example.com, b@example.com",
            public_url=None,
        )
        await mail.send(NEAR)
    (envelope,) = mailbox.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("q@example.com", ["a@example.com", "b@example.com"])
    content = envelope.original_content or b""
    message = BytesParser(policy=default_policy).parsebytes(content)
    assert message["Subject"] == "Quorum: 80% of a budget is spent"
    assert "octo/a<b: 20.50 of 25.00 USD, the budget of a repository per month." in message.get_content()
    with pytest.raises(NotificationFailed, match="ConnectionRefusedError"):
        await mail.send(NEAR)
    handler = NotificationHandler(receiver=None, database=database, clock=lambda: MONDAY)

    async def step(checkpoint: object, work: object) -> None:
        del checkpoint
        await work()  # type: ignore[operator]

    with pytest.raises(NotificationFailed, match="No address for email is set"):
        await handler.handle(NotificationJob(news=NEAR, at=MONDAY, to="email"), step)  # type: ignore[arg-type]


@pytest.mark.parametrize(("password", "problem"), [("p@ss", None), ("wrong", "SMTPAuthenticationError")])
async def test_e_mail_signs_in_over_tls_with_a_verified_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str, problem: str | None
) -> None:
    authority, certificate = issue(["localhost"], tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    mailbox = Mailbox()

    def authenticate(server: SMTP, session: Session, envelope: Envelope, kind: str, data: Any) -> AuthResult:
        del server, session, envelope, kind
        return AuthResult(success=data == LoginPassword(b"quorum", b"p@ss"), handled=False)

    options = {
        "authenticator": authenticate,
        "auth_require_tls": False,
    }  # it does not count a connection that begins with TLS
    async with mail_server(mailbox, tls=tls, **options) as port:
        url = f"smtps://quorum:{quote(password)}@localhost:{port}"
        mail = open_mail(url, sender="q@example.com", recipients="a@example.com", public_url=None)
        with pytest.raises(NotificationFailed, match="SSLCertVerificationError"):
            await mail.send(NEAR)  # before the machine trusts the certificate
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        with pytest.raises(NotificationFailed, match=problem) if problem else nullcontext():
            await mail.send(NEAR)
    assert len(mailbox.taken) == (0 if problem else 1)


def test_slack_and_teams_bodies_have_the_published_form() -> None:
    """The forms of these pages, with no other key.

    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    https://learn.microsoft.com/en-us/connectors/teams/#microsoft-teams-webhook
    https://adaptivecards.io/explorer/AdaptiveCard.html and https://adaptivecards.io/explorer/TextBlock.html
    """
    message = render_message(NEAR, public_url="https://q.example.com")
    assert list(slack_body(message)) == ["text"]
    body = teams_body(message)
    assert (body["type"], set(body)) == ("message", {"type", "attachments"})
    (attachment,) = body["attachments"]
    assert set(attachment) == {"contentType", "content"}
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert set(card) == {"$schema", "type", "version", "body"}
    for block in card["body"]:
        assert (block["type"], type(block["text"]), block["wrap"]) == ("TextBlock", str, True)
        assert set(block) <= {"type", "text", "wrap", "weight"}


@pytest.mark.parametrize(
    ("url", "sender", "recipients"),
    [
        ("http://mail", "q@e.com", "a@e.com"),
        ("smtp://", "q@e.com", "a@e.com"),
        ("smtp://mail:x", "q@e.com", "a@e.com"),
        ("smtps://mail", None, "a@e.com"),
        ("smtps://mail", "q@e.com", ""),
        ("smtps://mail", "q@e.com\nBcc: x@e.com", "a@e.com"),
    ],
)
def test_an_invalid_mail_setting_is_named_at_the_start(url: str, sender: str | None, recipients: str) -> None:
    with pytest.raises(ConfigurationError):
        open_mail(url, sender=sender, recipients=recipients, public_url=None)
    assert render_message(NEAR, public_url=None).lines
