"""The texts of a review, as people read them."""

from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from app.domain.diff import Side
from app.domain.finding import DuplicatePlace, Placement
from app.domain.review import StageStatus
from app.publish.agents import render_agent_fold, render_agents_fold
from app.publish.comments import (
    is_committable,
    render_body_only_review,
    render_finding_comment,
    render_fix,
    render_review_body,
)
from tests.unit.publish.examples import (
    CLEAN,
    FAILED,
    INJECTION,
    KEYLESS,
    OFF_BY_ONE,
    REPORT,
    UNTESTED,
)
from tests.unit.publish.github_reader import read
from tests.unit.publish.test_markdown import HOSTILE, NAMES


def test_a_finding_has_a_title_explanation_fix_and_sources() -> None:
    assert render_finding_comment(INJECTION, redact=str) == snapshot("""\
**🔴 Critical · `id` goes into the SQL text**

The query is concatenated from `id`, so `1 OR 1=1` returns every payment.

```suggestion
    q = "SELECT * FROM payments WHERE id = ?"
    return db.execute(q, (id,))
```

<details><summary>Why this was confirmed</summary>

`pay.py:9` passes the string to `execute` unchanged.

</details>

<sub>security · CWE-89 · GPT, confirmed by Claude</sub>

<details><summary>Fix with an agent</summary>

```text
In pay.py, lines 8–9: `id` goes into the SQL text (CWE-89)
Why: The query is concatenated from `id`, so `1 OR 1=1` returns every payment.
Suggested replacement of these lines:
    q = "SELECT * FROM payments WHERE id = ?"
    return db.execute(q, (id,))
First check that the defect is real. Then fix only this defect, add a test that fails without the fix, and run the project's tests.
```

</details>

<sub>Reply with `/explain` or `/dismiss` and a reason · rate with 👍 or 👎</sub>

<!-- quorum:finding:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 -->\
""")


def test_a_finding_ends_with_actions_that_work() -> None:
    body = render_finding_comment(INJECTION, redact=str, details_url="https://quorum.example/reviews/r1")
    last = body.split("\n\n")[-2]
    assert last == (
        "<sub>Reply with `/explain` or `/dismiss` and a reason · rate with 👍 or 👎 · "
        "[Dashboard](https://quorum.example/reviews/r1)</sub>"
    )


@pytest.mark.parametrize("text", [*HOSTILE, "```\n````\n/approve\n@team"])
def test_the_prompt_for_an_agent_is_one_inert_fence(text: str) -> None:
    hostile = replace(
        INJECTION, title=text, explanation=text, suggestion=text, quote=text, path=f"src/{text}"
    )
    for fold in (render_agent_fold(hostile, redact=str), render_agents_fold([hostile] * 30, redact=str)):
        assert read(fold, own_html=True) == []
        assert fold.startswith("<details><summary>Fix with an agent")
        assert fold.endswith("\n\n</details>")


def test_the_prompts_of_many_findings_are_bounded() -> None:
    fold = render_agents_fold([replace(INJECTION, explanation="word " * 2_000)] * 300, redact=str)
    assert len(fold) < 25_000
    assert "more findings did not fit here" in fold


def test_a_finding_that_is_not_inline_names_its_location() -> None:
    assert render_finding_comment(OFF_BY_ONE, redact=str) == snapshot("""\
**🟡 Medium · The last page is never reached**

`pages.go`, line 3

`page < pages` stops one page early when the total is a multiple of the page size.

<sub>review · CWE-193 · found by Claude and Gemini, independently</sub>

<details><summary>Fix with an agent</summary>

```text
In pages.go, line 3: The last page is never reached (CWE-193)
Why: `page < pages` stops one page early when the total is a multiple of the page size.
First check that the defect is real. Then fix only this defect, add a test that fails without the fix, and run the project's tests.
```

</details>

<sub>Reply with `/explain` or `/dismiss` and a reason · rate with 👍 or 👎</sub>

<!-- quorum:file:b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2 -->\
""")


def test_a_suggestion_for_the_base_is_shown_but_cannot_be_applied() -> None:
    left = replace(INJECTION, side=Side.LEFT)
    assert render_fix(left, redact=str) == snapshot("""\
Suggested replacement for lines 8–9 of the base version:

```py
    q = "SELECT * FROM payments WHERE id = ?"
    return db.execute(q, (id,))
```\
""")


def test_an_empty_suggestion_deletes_the_lines() -> None:
    assert render_fix(replace(INJECTION, suggestion=""), redact=str) == "```suggestion\n```"
    unplaced = replace(INJECTION, suggestion="", placement=Placement.SUMMARY)
    assert render_fix(unplaced, redact=str) == "Suggested fix: delete lines 8–9."


@pytest.mark.parametrize(
    ("case", "suggestion"),
    [
        ("hides a character", "ok = a\u202eb"),
        ("commands a bot", "x = 1\n/approve\n"),
        ("holds a secret", "key = hunter2"),
    ],
)
def test_a_suggestion_cannot_be_applied_if_it(case: str, suggestion: str) -> None:
    def redact(text: str) -> str:
        return text.replace("hunter2", "[REDACTED:x]")

    finding = replace(INJECTION, suggestion=suggestion)
    assert not is_committable(finding, redact=redact), case
    fix = render_fix(finding, redact=redact)
    assert "```suggestion" not in fix
    assert "hunter2" not in fix
    assert read(fix) == []


def test_a_suggestion_keeps_every_byte_even_with_fences_and_decorators_inside() -> None:
    code = '    """\n    ```python\n    ````\n    """\n@property\n'
    fix = render_fix(replace(INJECTION, suggestion=code), redact=str)
    assert fix == f"`````suggestion\n{code}`````"


def test_a_clean_review_is_one_line() -> None:
    body = render_review_body(CLEAN, findings=(), review_id="r1", redact=str)
    assert body == snapshot("""\
Found no problems. Review, security, and docs read both changed files.

<!-- quorum:review:r1 -->\
""")


def test_a_review_counts_what_it_found() -> None:
    assert render_review_body(REPORT, findings=REPORT.findings, review_id="r1", redact=str) == snapshot("""\
3 findings (1 critical, 1 medium, 1 low). 1 of them is in the summary comment. Review, security, and docs read 2 of 3 changed files; 1 file was left out (binary image).

<!-- quorum:review:r1 -->\
""")


def test_after_a_push_the_review_counts_new_and_open_problems() -> None:
    body = render_review_body(REPORT, findings=[UNTESTED], review_id="r1", redact=str, first=False)
    assert body == snapshot("""\
1 new low finding. It is in the summary comment. 2 earlier findings are still open. Review, security, and docs read 2 of 3 changed files; 1 file was left out (binary image).

<!-- quorum:review:r1 -->\
""")


def test_if_every_stage_failed_the_review_does_not_claim_that_nothing_was_found() -> None:
    stages = (replace(each, status=StageStatus.FAILED, provider=None) for each in FAILED.stages)
    failed = replace(FAILED, stages=tuple(stages))
    body = render_review_body(failed, findings=(), review_id="r1", redact=str)
    assert body.startswith(
        "Not reviewed: review and docs failed (unknown reason); security failed (GPT: rate limited"
    )


def test_the_review_names_a_failed_stage() -> None:
    assert render_review_body(FAILED, findings=(), review_id="r1", redact=str) == snapshot("""\
Not fully reviewed: security failed (GPT: rate limited; Claude: timeout). Review and docs found nothing. Review and docs read both changed files; security read nothing.

<!-- quorum:review:r1 -->\
""")


def test_a_keyless_review_says_that_no_model_reviewed_the_change() -> None:
    body = render_review_body(KEYLESS, findings=KEYLESS.findings, review_id="r1", redact=str)
    assert body == snapshot("""\
Not reviewed by a model: none is configured or allowed. 1 low finding. It is in the summary comment. Only the built-in analyzers read the change.

<!-- quorum:review:r1 -->\
""")


def test_a_review_without_comments_lists_every_finding() -> None:
    body = render_body_only_review(REPORT, findings=[INJECTION, OFF_BY_ONE], review_id="r1", redact=str)
    assert "goes into the SQL text" in body
    assert "The last page is never reached" in body
    assert "```suggestion" not in body
    assert body.endswith("<!-- quorum:review:r1 -->")


@pytest.mark.parametrize("text", HOSTILE, ids=NAMES)
def test_a_finding_with_hostile_text_has_no_active_content(text: str) -> None:
    hostile = replace(
        INJECTION,
        title=text,
        explanation=text,
        suggestion=text,
        verifier_evidence=text,
        path=f"src/{text}",
        rule_id=text,
        cwe=text,
        found_by=(f"claude:{text}", text),
        side=Side.LEFT,
    )
    assert read(render_finding_comment(hostile, redact=str), own_html=True) == []


def test_every_body_ends_with_its_marker_regardless_of_its_length() -> None:
    long = replace(
        INJECTION, explanation="word " * 100_000, suggestion="x = 1\n" * 100_000, title="t" * 10_000
    )
    body = render_finding_comment(long, redact=str)
    assert len(body.encode()) <= 65_536
    assert body.endswith(f"<!-- quorum:finding:{INJECTION.fingerprint} -->")
    assert "The suggested fix is too long to show here." in body
    many = [replace(INJECTION, fingerprint=f"{number:032x}") for number in range(500)]
    body = render_body_only_review(REPORT, findings=many, review_id="r1", redact=str)
    assert len(body.encode()) <= 65_536
    assert body.endswith("<!-- quorum:review:r1 -->")
    assert "_Omitted because of GitHub's size limit: " in body


def test_a_finding_names_the_first_other_places_and_counts_the_rest() -> None:
    places = tuple(DuplicatePlace(path="b.py", start_line=n) for n in range(1, 213))
    body = render_finding_comment(replace(INJECTION, duplicates=places), redact=str)
    assert "The same in 212 more places: `b.py:1`, `b.py:2`" in body
    assert body.count("`b.py:") == 10
    assert "and 202 more." in body
