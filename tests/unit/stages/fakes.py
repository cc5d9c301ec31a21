"""A strict fake of the model layer, and small values to build contexts from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from app.domain.configuration import RepositoryConfig
from app.domain.diff import Diff, DiffLine, FileDiff, FileStatus, Hunk, LineKind
from app.domain.finding import Finding, Severity, Stage
from app.domain.model_call import Provider, Usage
from app.domain.pull_request import PullRequest, PullRequestRef
from app.domain.review import Chunk, ReviewContext
from app.errors import AllModelsFailed, ModelUnavailable
from app.llm.client import CallScope, Completion, ModelRequest, ModelResponse, RoutingRequest
from app.prompting.prompts import Prompts
from app.stages.asking import StageContext
from app.stages.material import SecretRedactor

PROMPTS = Prompts()
SECRET = b"installation-secret"
SCOPE = CallScope(installation_id=7, repository="acme/shop", pull_request=3, review_id="r1")
T = TypeVar("T")
EMPTY: dict[str, object] = {
    "lookups": [],
    "findings": [],
    "verdicts": [],
    "summary": None,
    "files": [],
    "edges": [],
    "documents": [],
}


@dataclass
class FakeModels:
    """Answers with what `reply` returns for the request; raises it if it is an exception."""

    reply: Callable[[RoutingRequest, ModelRequest], object]
    providers: tuple[Provider, ...] = (Provider.CLAUDE, Provider.GPT, Provider.GEMINI)
    failures: tuple[str, ...] = ()
    requests: list[tuple[RoutingRequest, ModelRequest, CallScope, str | None]] = field(
        default_factory=list[Any]
    )

    @property
    def is_keyless(self) -> bool:
        return not self.providers

    async def order(self, routing: RoutingRequest) -> tuple[Provider, ...]:
        return tuple(each for each in self.providers if each not in routing.exclude)

    async def ask(
        self,
        routing: RoutingRequest,
        request: ModelRequest,
        *,
        scope: CallScope,
        parse: Callable[[object], T],
        parent_id: str | None = None,
    ) -> Completion[T]:
        assert self.providers, "a keyless model layer must not be asked"
        self.requests.append((routing, request, scope, parent_id))
        free = [
            each
            for each in self.providers
            if each in (routing.allowed or self.providers) and each not in routing.exclude
        ]
        answer = self.reply(routing, request)
        if isinstance(answer, Exception):
            raise answer
        if not free:
            raise AllModelsFailed([])
        response = ModelResponse(
            provider=free[0],
            model="m-1",
            text="",
            parsed=answer,
            usage=Usage(input_tokens=10, output_tokens=5),
        )
        return Completion(
            value=parse(answer),
            response=response,
            call_id=f"call-{len(self.requests)}",
            route=f"{free[0]}: first of {routing.kind}",
            failures=self.failures,
        )


def always(answer: object) -> Callable[[RoutingRequest, ModelRequest], object]:
    """Build a `reply` that is the same for every question."""

    def reply(task: RoutingRequest, request: ModelRequest) -> object:
        del task, request
        return answer

    return reply


def outage() -> AllModelsFailed:
    return AllModelsFailed([ModelUnavailable("overloaded", provider=Provider.CLAUDE)])


@dataclass(frozen=True)
class FakeRedactor:
    """Replaces one text with another; by default it changes nothing."""

    secret: str = ""
    replacement: str = ""

    def redact(self, text: str) -> str:
        return text.replace(self.secret, self.replacement) if self.secret else text


PLAIN = FakeRedactor()


def context_with(
    models: "FakeModels",
    *,
    config: RepositoryConfig | None = None,
    redactor: SecretRedactor = PLAIN,
    tier: str = "full",
    deadline_s: float = 600.0,
) -> StageContext:
    return StageContext(
        models=models,
        prompts=PROMPTS,
        redactor=redactor,
        secret=SECRET,
        scope=SCOPE,
        config=config or RepositoryConfig(),
        tier=tier,
        deadline_s=deadline_s,
    )


def added_file(path: str, lines: Sequence[str], *, start: int = 1) -> FileDiff:
    rows = tuple(
        DiffLine(kind=LineKind.ADDED, text=text, old_line=None, new_line=number)
        for number, text in enumerate(lines, start)
    )
    hunk = Hunk(old_start=0, old_count=0, new_start=start, new_count=len(rows), section="", lines=rows)
    return FileDiff(path=path, status=FileStatus.ADDED, hunks=(hunk,))


def pull_request(title: str = "Add refunds", body: str = "Refunds a payment.") -> PullRequest:
    return PullRequest(
        ref=PullRequestRef(owner="acme", repo="shop", number=3),
        title=title,
        body=body,
        author="mia",
        author_is_bot=False,
        state="open",
        draft=False,
        labels=(),
        base_ref="main",
        base_sha="b" * 40,
        head_ref="refunds",
        head_sha="a" * 40,
        head_repository="acme/shop",
    )


def context_of(*chunks: Sequence[FileDiff], pull: PullRequest | None = None, **more: Any) -> ReviewContext:
    files = tuple(file for chunk in chunks for file in chunk)
    return ReviewContext(
        pull_request=pull or pull_request(),
        diff=Diff(files=files),
        chunks=tuple(Chunk(files=tuple(chunk)) for chunk in chunks),
        **more,
    )


def item(path: str, **changes: object) -> dict[str, object]:
    made: dict[str, object] = {
        "path": path,
        "line": 1,
        "quote": "x = 1",
        "evidence": "seen",
        "rule_id": "logic-error",
        "severity": "medium",
        "title": "x is wrong",
        "explanation": "It is 2.",
        "suggestion": None,
        "pre_existing": False,
    }
    return made | changes


def finding(path: str, *, stage: Stage = Stage.REVIEW, **changes: Any) -> Finding:
    values: dict[str, Any] = {
        "stage": stage,
        "severity": Severity.HIGH,
        "rule_id": "logic-error",
        "path": path,
        "start_line": 1,
        "end_line": 1,
        "title": "x is wrong",
        "explanation": "The finder's argument.",
        "quote": "x = 1",
    }
    return Finding(**(values | changes))
