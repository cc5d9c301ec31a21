"""The summary comment holds everything that a review knows, and nothing that acts."""

import re
from dataclasses import replace
from hashlib import sha256

import pytest
from inline_snapshot import snapshot

from app.domain.finding import ComponentEdge, Document, FileSummary, Placement, Rejection, Walkthrough
from app.domain.review import Coverage, Omission, StageStatus
from app.publish.blocks import render_diagram
from app.publish.summary import render_summary
from tests.unit.publish.examples import CLEAN, DOCS, FAILED, INJECTION, KEYLESS, REPORT, UNTESTED
from tests.unit.publish.github_reader import Seen, read
from tests.unit.publish.test_markdown import HOSTILE, NAMES


def test_a_summary_has_every_part_of_the_review() -> None:
    assert render_summary(REPORT, key="pull", redact=str) == snapshot("""\
### Quorum: 3 findings (1 critical, 1 medium, 1 low)

Review, security, and docs read 2 of 3 changed files; 1 file was left out (binary image).

| Severity | Location | Problem | Comment |
| --- | --- | --- | --- |
| 🔴 Critical | `pay.py:8` | `id` goes into the SQL text | inline |
| 🟡 Medium | `pages.go:3` | The last page is never reached | file comment |
| 🔵 Low | `pay.py:30` | No test for a refused card (existing code) | below |

<details><summary>🔵 Low · No test for a refused card</summary>

`pay.py`, line 30

The branch that raises `CardRefused` is not covered.

This code predates the change.

<sub>review · `missing-test` · ruff</sub>

</details>

<details><summary>Fix with an agent: all findings</summary>

```text
1. In pay.py, lines 8–9: `id` goes into the SQL text (CWE-89)
Why: The query is concatenated from `id`, so `1 OR 1=1` returns every payment.
Suggested replacement of these lines:
    q = "SELECT * FROM payments WHERE id = ?"
    return db.execute(q, (id,))
First check that the defect is real. Then fix only this defect, add a test that fails without the fix, and run the project's tests.

2. In pages.go, line 3: The last page is never reached (CWE-193)
Why: `page < pages` stops one page early when the total is a multiple of the page size.
First check that the defect is real. Then fix only this defect, add a test that fails without the fix, and run the project's tests.

3. In pay.py, line 30: No test for a refused card
Why: The branch that raises `CardRefused` is not covered.
First check that the defect is real. Then fix only this defect, add a test that fails without the fix, and run the project's tests.
```

</details>

Payments are looked up by id, and the list of payments is paged.

<details><summary>Changes by file</summary>

| File | Change |
| --- | --- |
| `pay.py` | Adds `find_payment`. |
| `pages.go` | Counts pages. |

</details>

```mermaid
flowchart LR
  n0["API"]
  n1["Payments"]
  n2["DB #34;main#34;"]
  n0 -->|"find"| n1
  n1 --> n2
```

<details><summary>Rejected claims (1)</summary>

- `pages.go:3` `limit` may be negative — Refuted by Claude: the caller checks it.

</details>

<details><summary>Not read (1)</summary>

- `a.png` — binary image

</details>

<details><summary>Models used</summary>

| Stage | Result | Model | Details |
| --- | --- | --- | --- |
| `review` | completed | Claude (`claude-sonnet-5-5`) | claude first for review |
| `security` | completed | GPT (`gpt-6.2-sol`) | gpt first for security |
| `docs` | completed | Gemini (`gemini-3.8-flash`) | gemini first for docs |

</details>

<details><summary>Notes</summary>

- Shown besides the diff: 4 definitions, 2 callers.

</details>

<details><summary>Documentation: Payments</summary>

**find_payment**

Returns one payment.

</details>

<sub>5 model calls · 12,345 input tokens (2,000 cached), 1,234 output tokens · 0.0312 USD · 12 s · commit `5c0ffee5c0ff`</sub>

<sub>Comment `/help` to see what Quorum can do here.</sub>

<!-- quorum:summary:pull -->\
""")


def test_a_location_links_to_its_comment_in_the_diff() -> None:
    body = render_summary(
        REPORT, key="pull", redact=str, files_url="https://github.com/octo/shop/pull/1/files"
    )
    anchor = sha256(b"pay.py").hexdigest()
    assert f"[`pay.py:8`](https://github.com/octo/shop/pull/1/files#diff-{anchor}R9)" in body
    assert "| `pay.py:30` |" in body  # in the summary only


def test_no_two_folds_have_one_title() -> None:
    documents = (*DOCS.documents, *DOCS.documents, Document(format="html", title="Other", content="x"))
    body = render_summary(replace(REPORT, stages=(replace(DOCS, documents=documents),)), key="p", redact=str)
    titles = re.findall(r"<summary>(.*?)</summary>", body)
    assert len(titles) == len(set(titles)), titles


def test_a_clean_summary_is_short() -> None:
    assert render_summary(CLEAN, key="pull", redact=str) == snapshot("""\
### Quorum: no problems found

Found no problems. Review, security, and docs read both changed files.

<details><summary>Models used</summary>

| Stage | Result | Model | Details |
| --- | --- | --- | --- |
| `review` | completed | Claude (`claude-sonnet-5-5`) | claude first for review |
| `security` | completed | GPT (`gpt-6.2-sol`) | gpt first for security |
| `docs` | completed | Gemini (`gemini-3.8-flash`) | gemini first for docs |

</details>

<sub>5 model calls · 12,345 input tokens (2,000 cached), 1,234 output tokens · 0.0312 USD · 12 s · commit `5c0ffee5c0ff`</sub>

<sub>Comment `/help` to see what Quorum can do here.</sub>

<!-- quorum:summary:pull -->\
""")


def test_the_headline_of_an_incomplete_review_is_never_positive() -> None:
    titles = [
        render_summary(report, key="pull", redact=str).split("\n")[0]
        for report in (CLEAN, FAILED, replace(KEYLESS, findings=()))
    ]
    assert titles == [
        "### Quorum: no problems found",
        "### Quorum: not fully reviewed",
        "### Quorum: not reviewed by a model",
    ]


def test_the_reason_for_a_failed_stage_is_at_the_top() -> None:
    top = render_summary(FAILED, key="pull", redact=str).split("\n\n")[1]
    assert top.startswith("Not fully reviewed: security failed (GPT: rate limited; Claude: timeout).")


def test_a_diagram_needs_at_least_three_components() -> None:
    two = (ComponentEdge(source="a", target="b", label="x"),)
    assert render_diagram(two, redact=str) == ""
    three = (
        *two,
        ComponentEdge(source="b", target='c"]; click n0 "https://evil.example"', label="end\n%%{init}%%"),
    )
    assert render_diagram(three, redact=str) == snapshot("""\
```mermaid
flowchart LR
  n0["a"]
  n1["b"]
  n2["c#34;#93;#59; click n0 #34;https#58;//evil.example#34;"]
  n0 -->|"x"| n1
  n1 -->|"end #37;#37;#123;init#125;#37;#37;"| n2
```\
""")


@pytest.mark.parametrize("text", HOSTILE, ids=NAMES)
def test_a_summary_with_hostile_text_has_no_active_content(text: str) -> None:
    finding = replace(UNTESTED, title=text, explanation=text, path=text, rule_id=text)
    edges = tuple(ComponentEdge(source=f"{text}{n}", target=f"n{n}", label=text) for n in range(3))
    walkthrough = Walkthrough(summary=text, files=(FileSummary(path=text, change=text),), edges=edges)
    documents = tuple(
        Document(format=form, title=text, content=text) for form in ("markdown", "openapi", "html", text)
    )
    docs = replace(
        DOCS, walkthrough=walkthrough, documents=documents, route=text, model=text, notes=(text,), error=text
    )
    report = replace(
        REPORT,
        findings=(finding,),
        rejected=(Rejection(finding=finding, reason=text),),
        stages=(docs,),
        coverage=Coverage(files=1, reviewed=0, omitted=(Omission(path=text, reason=text),)),
        notes=(text,),
    )
    seen = read(render_summary(report, key="pull", redact=str), own_html=True)
    assert [thing for thing in seen if thing != Seen("drawn", "mermaid")] == []


def test_a_summary_of_hundreds_of_findings_fits_and_names_the_omitted_parts() -> None:
    many = tuple(
        replace(INJECTION, placement=Placement.SUMMARY, fingerprint=f"{number:032x}") for number in range(600)
    )
    body = render_summary(replace(REPORT, findings=many), key="pull", redact=str)
    assert len(body.encode()) <= 65_536
    assert "… and 540 more findings" in body
    assert "_Omitted because of GitHub's size limit: `pay.py:8`" in body
    assert body.endswith("<!-- quorum:summary:pull -->")


@pytest.mark.parametrize("omitted", [(), (Omission(path="a.bin", reason="binary"),)])
def test_if_every_stage_failed_no_file_counts_as_reviewed(omitted: tuple[Omission, ...]) -> None:
    report = replace(
        FAILED,
        stages=tuple(replace(each, status=StageStatus.FAILED) for each in FAILED.stages),
        coverage=Coverage(files=2, reviewed=2 - len(omitted), omitted=omitted),
    )
    body = render_summary(report, key="pull", redact=str)
    assert "Reviewed " not in body
    assert all(each.path in body for each in omitted)
