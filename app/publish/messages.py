"""Messages about budgets and the week, for chats and e-mail. Figures and names of repositories only."""

from dataclasses import dataclass

from app.domain.notification import BudgetNear, BudgetReached, NewsForPeople, WeeklyDigest

_PERIODS = {
    "review": "a review",
    "pull_request_day": "a pull request per day",
    "repository_month": "a repository per month",
    "installation_month": "an installation per month",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A title and lines of plain text."""

    title: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join((self.title, *self.lines))


def render_message(news: NewsForPeople, *, public_url: str | None) -> Message:
    """Return the message; `public_url` is the dashboard's."""
    match news:
        case BudgetNear():
            title = f"Quorum: {news.percent}% of a budget is spent"
            spent = f"{news.spent_usd:,.2f} of {news.limit_usd:,.2f} USD"
            lines = (f"{_place(news)}: {spent}, the budget of {_PERIODS[news.budget]}.",)
        case BudgetReached():
            title = "Quorum: a budget does not allow a call"
            limit = f"the budget of {_PERIODS[news.budget]} is {news.limit_usd:,.2f} USD"
            lines = (f"{_place(news)}: {limit}. Quorum did not send the request.",)
        case WeeklyDigest():
            title, lines = f"Quorum: the week {news.week}", tuple(_digest(news))
    return Message(title=title, lines=(*lines, f"{public_url}/reports") if public_url else lines)


def _place(news: BudgetNear | BudgetReached) -> str:
    return news.repository or news.account


def _digest(news: WeeklyDigest) -> list[str]:
    failed = f", {news.failed_reviews:,} failed" if news.failed_reviews else ""
    lines = [
        f"Reviews: {news.reviews:,}{failed}",
        f"Findings: {news.findings:,}, of which {news.decided_findings:,} decided and {news.resolved_findings:,} resolved",
        f"Open critical findings: {news.open_critical_findings:,}",
        f"Cost: {news.cost_usd:,.2f} USD ({news.cost_usd_before:,.2f} the week before)",
    ]
    if news.repositories:
        most = ", ".join(f"{name} ({count:,})" for name, count in news.repositories.items())
        lines.append(f"Most findings: {most}")
    return lines
