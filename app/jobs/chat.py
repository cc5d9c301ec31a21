"""Sends messages to Slack and Teams (incoming webhooks) and by e-mail (SMTP). The operator sets every address.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
"""

import asyncio
import json
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from app.domain.notification import NewsForPeople
from app.errors import ConfigurationError, NotificationFailed
from app.jobs.receiver import LOOPBACK, TIMEOUT_S, checked_url, post
from app.publish.messages import Message, render_message

SMTPS_PORT, SUBMISSION_PORT = 465, 587


def slack_body(message: Message) -> dict[str, Any]:
    """Return Slack's JSON; only these three characters have a meaning there."""
    text = message.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": text}


def teams_body(message: Message) -> dict[str, Any]:
    """Return the JSON of Teams' workflows: a card with one block of text for each line."""
    blocks: list[dict[str, Any]] = [
        {"type": "TextBlock", "text": message.title, "weight": "Bolder", "wrap": True},
        *({"type": "TextBlock", "text": line, "wrap": True} for line in message.lines),
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingWebhook:
    """A channel of Slack or Teams. `transport` replaces the network in tests."""

    url: str = field(repr=False)
    body: Callable[[Message], dict[str, Any]]
    public_url: str | None
    transport: httpx.AsyncBaseTransport | None = None

    async def send(self, news: NewsForPeople) -> None:
        """Send the message once; raises `NotificationFailed`."""
        message = render_message(news, public_url=self.public_url)
        headers = {"content-type": "application/json", "user-agent": "quorum"}
        await post(self.url, headers, json.dumps(self.body(message)), transport=self.transport)


def incoming_webhook(
    url: str,
    body: Callable[[Message], dict[str, Any]],
    *,
    setting: str,
    public_url: str | None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> IncomingWebhook:
    """Return the channel; raises `ConfigurationError` for an address that is not https."""
    return IncomingWebhook(
        url=checked_url(url, setting=setting), body=body, public_url=public_url, transport=transport
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """E-mail through the operator's server: `smtps://`, or `smtp://` with STARTTLS (plain on loopback only)."""

    host: str
    port: int
    is_tls: bool
    user: str
    password: str = field(repr=False)
    sender: str
    recipients: tuple[str, ...]
    public_url: str | None

    async def send(self, news: NewsForPeople) -> None:
        """Send the message once; raises `NotificationFailed`."""
        message = render_message(news, public_url=self.public_url)
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = message.title, self.sender, ", ".join(self.recipients)
        mail.set_content("\n".join(message.lines) + "\n")
        try:
            await asyncio.to_thread(self._send, mail)
        except (OSError, smtplib.SMTPException) as error:
            raise NotificationFailed(f"Cannot send e-mail: {type(error).__name__}.") from error

    def _send(self, mail: EmailMessage) -> None:
        with self._connect() as server:
            if self.user:
                server.login(self.user, self.password)
            server.send_message(mail)

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.is_tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        if self.host not in LOOPBACK:
            server.starttls(context=context)
        return server


def open_mail(url: str, *, sender: str | None, recipients: str, public_url: str | None) -> Mail:
    """Return the way to send e-mail; raises `ConfigurationError` for an invalid address."""
    people = tuple(each.strip() for each in recipients.split(",") if each.strip())
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ConfigurationError(
            "QUORUM_SMTP_URL must be smtps://USER:PASSWORD@HOST:PORT, or smtp:// for STARTTLS."
        )
    if (
        not sender
        or not people
        or any("@" not in each or not each.isprintable() for each in (sender, *people))
    ):
        raise ConfigurationError("QUORUM_MAIL_FROM and QUORUM_MAIL_TO must be e-mail addresses.")
    is_tls = parts.scheme == "smtps"
    return Mail(
        host=parts.hostname,
        port=port or (SMTPS_PORT if is_tls else SUBMISSION_PORT),
        is_tls=is_tls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        sender=sender,
        recipients=people,
        public_url=public_url,
    )
