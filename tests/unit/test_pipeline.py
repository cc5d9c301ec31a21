"""The stations in order, entered without any door: what is checkpointed, what is left out, what is redacted."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import pytest

from app.domain.configuration import Gate, RepositoryConfig
from app.domain.finding import Placement, Stage
from app.domain.model_call import Provider
from app.domain.review import ReviewReport, StageResult, StageStatus, StationEvent, StationState, UsageTotal
from app.domain.step import Checkpoint
from app.errors import Superseded
from app.findings.settle import Settlement
from app.github.local import PatchSource
from app.llm.build import ModelSettings, build_models
from app.llm.client import CallScope, ModelRequest, RoutingRequest
from app.pipeline import PipelineOptions, gather_change, review_gathered
from app.pipeline.inputs import Services, Stations
from app.prompting.prompts import Prompts
from app.publish.checks import plan_check
from app.publish.notes import STAGE_DISABLED, STAGE_NOT_REQUESTED
from app.publish.summary import render_summary
from app.redaction import Redactor
from tests.unit.stages.fakes import EMPTY, FakeModels, always, item, outage

T = TypeVar("T")
SECRET = "the-operators-own-secret"
PATCH = f"""\
diff --git a/pay.py b/pay.py
new file mode 100644
--- /dev/null
+++ b/pay.py
@@ -0,0 +1,3 @@
+import subprocess
+TOKEN = "{SECRET}"
+subprocess.run("pay " + TOKEN, shell=True)
""".encode()


def services() -> Services:
    """Without any model."""
    return Services(
        models=build_models(ModelSettings()),
        prompts=Prompts(),
        redactor=Redactor((SECRET,)),
        secret=b"secret",
    )


class Steps:
    """Runs steps at once, and keeps their values as a checkpoint would."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    async def __call__(self, checkpoint: Checkpoint[T], work: Callable[[], Awaitable[T]]) -> T:
        value = self.values[checkpoint.name] = await work()
        return value


async def reviewed(
    steps: Steps, *, configuration: bytes = b"", events: list[StationEvent] | None = None, **order: Any
) -> ReviewReport:
    stations = Stations("one", (events if events is not None else []).append)
    asked = PipelineOptions(scope=CallScope(review_id="one", repository="local", pull_request=None), **order)
    gathered = await gather_change(PatchSource(PATCH), asked, services(), configuration=configuration)
    return await review_gathered(asked, gathered, services(), stations=stations, step=steps)


async def test_without_models_analyzers_run_every_stage() -> None:
    report = await reviewed(Steps())
    assert report.keyless
    assert {result.provider for result in report.stages} == {Provider.ANALYZERS}
    assert [result.stage for result in report.stages] == list(Stage)
    assert report.usage.calls == 0
    assert "pay.py" in {finding.path for finding in report.findings}


async def test_a_skipped_stage_has_a_reason() -> None:
    report = await reviewed(Steps(), configuration=b"stages: [review]\n", stages=(Stage.REVIEW, Stage.DOCS))
    said = {result.stage: (result.status, result.error) for result in report.stages}
    assert said[Stage.REVIEW] == (StageStatus.COMPLETED, None)
    assert said[Stage.SECURITY] == (StageStatus.SKIPPED, STAGE_NOT_REQUESTED)
    assert said[Stage.DOCS] == (StageStatus.SKIPPED, STAGE_DISABLED)


async def test_analyzers_run_again_after_a_crash_and_their_findings_are_not_checkpointed() -> None:
    steps = Steps()
    report = await reviewed(steps)
    assert report.findings
    stages: list[StageResult] = [steps.values[f"stage:{stage}"] for stage in Stage]
    assert [result.findings for result in stages] == [(), (), ()]


@pytest.mark.parametrize("pipeline", ["parallel", "sequential"])
async def test_no_secret_is_in_a_checkpoint_or_in_the_report(pipeline: str) -> None:
    steps = Steps()
    report = await reviewed(steps, configuration=f"pipeline: {pipeline}\n".encode())
    settled: Settlement = steps.values["settle"]
    assert settled.findings
    assert SECRET not in repr(steps.values)
    assert SECRET not in repr(report)


async def test_every_station_is_reported_and_timed() -> None:
    events: list[StationEvent] = []
    report = await reviewed(Steps(), events=events)
    ended = [event.station for event in events if event.state is StationState.FINISHED]
    assert sorted(ended) == ["analyze", "docs", "review", "security", "verify"]
    assert [station.station for station in report.stations] == ended


async def test_a_newer_head_ends_the_review_at_the_next_step() -> None:
    class Overtaken(Steps):
        async def __call__(self, checkpoint: Checkpoint[T], work: Callable[[], Awaitable[T]]) -> T:
            if checkpoint.name == "settle":
                raise Superseded("a newer head is waiting")
            return await super().__call__(checkpoint, work)

    events: list[StationEvent] = []
    with pytest.raises(Superseded):
        await reviewed(Overtaken(), events=events)
    assert events[-1].state is StationState.FAILED


UNDOCUMENTED = b"""\
diff --git a/pay.py b/pay.py
new file mode 100644
--- /dev/null
+++ b/pay.py
@@ -0,0 +1,2 @@
+def refund(order):
+    return order.total
"""


@dataclass
class Reader(FakeModels):
    """Models that have answered; what they cost is nobody's question here."""

    async def usage(self, review_id: str) -> UsageTotal:
        del review_id
        return UsageTotal()


async def read_by(
    reply: Callable[[RoutingRequest, ModelRequest], object],
    patch: bytes,
    *,
    configuration: bytes | None = None,
    **models: Any,
) -> tuple[ReviewReport, Reader]:
    reader = Reader(reply, **models)
    bundle = replace(services(), models=cast("Any", reader))
    asked = PipelineOptions(scope=CallScope(review_id="one", repository="local", pull_request=None))
    gathered = await gather_change(PatchSource(patch), asked, bundle, configuration=configuration)
    return await review_gathered(asked, gathered, bundle, stations=Stations("one")), reader


def documents_refund(task: RoutingRequest, request: ModelRequest) -> object:
    del request
    found = item(
        "pay.py",
        quote="def refund(order):",
        rule_id="missing-documentation",
        severity="info",
        title="refund has no docstring",
        suggestion='def refund(order):\n    """The amount to pay back."""',
    )
    return EMPTY | {"findings": [found] if task.kind == "docs" else []}


async def test_a_missing_docstring_is_a_row_of_one_table_and_counts_nowhere() -> None:
    report, reader = await read_by(documents_refund, UNDOCUMENTED)
    assert report.findings == ()
    assert report.rejected == ()
    [document] = [each for result in report.stages for each in result.documents if each.rows]
    assert document.rows == (
        ("pay.py:1", "refund has no docstring", 'def refund(order):\n    """The amount to pay back."""'),
    )
    assert {task.kind for task, *_ in reader.requests} == {"review", "security", "docs"}
    summary = render_summary(report, key="pull", redact=str)
    assert summary.startswith("### Quorum: no problems found\n")
    assert "<details><summary>Missing documentation (1)</summary>" in summary
    assert '"""The amount to pay back."""' in summary
    for result in report.stages:
        check = plan_check(result, report, config=RepositoryConfig(gate=Gate.MEDIUM), redact=str)
        assert (check.annotations, check.title) == ((), "No problems found"), check


@pytest.mark.parametrize("configuration", [None, b"profile: thorough\n"])
async def test_if_no_model_answers_the_table_lists_what_the_analyzers_know(
    configuration: bytes | None,
) -> None:
    report, _ = await read_by(always(outage()), UNDOCUMENTED, configuration=configuration)
    [document] = [each for result in report.stages for each in result.documents if each.rows]
    assert document.rows == (("pay.py:1", "The function refund has no documentation", ""),)
    assert "<details><summary>Missing documentation (1)</summary>" in render_summary(
        report, key="pull", redact=str
    )


async def test_without_any_key_the_table_lists_what_the_analyzers_know() -> None:
    report, _ = await read_by(always(EMPTY), UNDOCUMENTED, providers=())
    [document] = [each for result in report.stages for each in result.documents if each.rows]
    assert document.rows == (("pay.py:1", "The function refund has no documentation", ""),)
    assert report.findings == ()


async def test_in_the_thorough_profile_a_missing_docstring_is_a_finding_that_parsing_proved() -> None:
    report, reader = await read_by(documents_refund, UNDOCUMENTED, configuration=b"profile: thorough\n")
    [finding] = report.findings
    assert (finding.rule_id, finding.cwe, finding.start_line) == ("missing-documentation", "CWE-1059", 1)
    assert finding.suggestion == 'def refund(order):\n    """The amount to pay back."""'
    assert {task.kind for task, *_ in reader.requests} == {"review", "security", "docs"}


async def test_a_pattern_finding_that_no_model_reported_is_in_the_summary_and_a_secret_is_inline() -> None:
    report, reader = await read_by(always(EMPTY), PATCH.replace(SECRET.encode(), b"AKIAQWERTYUIOPASDFGH"))
    placed = {finding.found_by: finding.placement for finding in report.findings}
    assert placed[("analyzers:secrets",)] is Placement.INLINE
    patterns = [placement for tools, placement in placed.items() if "analyzers:secrets" not in tools]
    assert patterns
    assert set(patterns) == {Placement.SUMMARY}
    assert any("that no model reported" in note for note in report.notes)
    assert "verify" not in {task.kind for task, *_ in reader.requests}


async def test_if_no_model_is_available_every_pattern_finding_stays_inline() -> None:
    report, _ = await read_by(always(outage()), PATCH)
    assert {finding.placement for finding in report.findings} == {Placement.INLINE}


def says_one_thing_badly(task: RoutingRequest, request: ModelRequest) -> object:
    del request
    good = item("pay.py", quote="return order.total", title="The total has no currency")
    bad = item("pay.py", severity="urgent", title="The total may be None")
    nowhere = item("pay.py", quote="os.system(cmd)", line=900, title="Runs a command")
    return EMPTY | {"findings": [good, bad, nowhere] if task.kind == "review" else []}


async def test_an_invalid_finding_and_one_on_code_that_is_nowhere_are_rejected_with_their_reasons() -> None:
    report, _ = await read_by(says_one_thing_badly, UNDOCUMENTED)
    assert [finding.title for finding in report.findings] == ["The total has no currency"]
    assert [
        (each.finding.title, each.finding.found_by, each.finding.start_line) for each in report.rejected
    ] == [
        ("The total may be None", ("claude:m-1",), 1),
        ("Runs a command", ("claude:m-1",), 1),
    ]
    first, second = (each.reason for each in report.rejected)
    assert first.startswith("The model did not state it in the required form: severity:")
    assert second == "The file does not contain the code that it quotes."
    assert {stage.status for stage in report.stages} == {StageStatus.COMPLETED}


def new_file(path: str, lines: int) -> bytes:
    """The patch of a new file."""
    added = "".join(f"+total_{number} = {number}\n" for number in range(lines))
    return f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{lines} @@\n{added}".encode()


async def files_read(
    patch: bytes, configuration: bytes | None = None
) -> tuple[ReviewReport, list[list[str]]]:
    """The report, and the files of each question of the review stage."""
    report, reader = await read_by(always(EMPTY), patch, configuration=configuration)
    asked = [request.material for task, request, *_ in reader.requests if task.kind == "review"]
    return report, [
        sorted(line.split()[1] for line in each.split("\n") if line.startswith("=== ")) for each in asked
    ]


async def test_a_second_vendor_reads_a_large_change_only_where_its_paths_concern_security() -> None:
    patch = new_file("app/report.py", 1001) + new_file("app/auth/login.py", 5)
    report, read = await files_read(patch)
    assert read == [["app/auth/login.py", "app/report.py"], ["app/auth/login.py"]]
    assert (
        "A second vendor searched only the files whose paths concern security, because the change is large: "
        "app/auth/login.py. Set `finders: 2` to have two vendors search all of it." in report.notes
    )


async def test_one_vendor_reads_a_large_change_without_such_paths() -> None:
    report, read = await files_read(new_file("app/report.py", 1001))
    assert len(read) == 1
    assert any(note.startswith("Only one vendor searched for each kind of defect") for note in report.notes)


async def test_two_vendors_read_all_of_a_large_change_if_they_are_configured() -> None:
    report, read = await files_read(new_file("app/report.py", 1001), b"finders: 2\n")
    assert len(read) == 2
    assert not any("vendor searched" in note for note in report.notes)
