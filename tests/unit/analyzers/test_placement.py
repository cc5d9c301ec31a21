"""Every analyzer's finding is inline, on the line that git counts, whatever else ends a line."""

from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.analyzers.analysis import analyze
from app.domain.analysis import Analysis, ChangedFile
from app.domain.finding import Placement
from app.domain.patch import parse_diff
from app.findings.anchor import anchor
from app.findings.quotes import DiffIndex

SLOW_OR_LARGE = (
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
)
NOISE = [
    "\r",
    "\r\r",
    "\v",
    "\f",
    "\x1c",
    "\x85",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\0",
    "\u200b",
    "é",
    "😀",
    "\t",
]


@dataclass(frozen=True, slots=True)
class Planted:
    """A file with one defect in it; `before` needs no line of noise between its lines."""

    finder: str
    path: str
    before: str
    defect: str
    rule_id: str
    comment: str = "#"


PLANTED = [
    Planted("patterns", "a.py", "import os\n", 'os.system("ls " + input())', "command-injection"),
    Planted("patterns", "a.js", "f()\n", "eval(location.hash)", "code-injection", "//"),
    Planted("patterns", "a.go", "package p\n", "var c = &tls.Config{InsecureSkipVerify: true}", "tls-verification-disabled", "//"),
    Planted("patterns", "a.php", "<?php\n", "eval($_GET['x']);", "code-injection", "//"),
    Planted("ruff", "b.py", "x = 1\n", "print(not_there)", "undefined-name"),
    Planted("oxlint", "b.js", "f()\n", "if (a = 1) { f() }", "wrong-operator", "//"),
    Planted("shellcheck", "a.sh", "#!/bin/sh\n", 'rm -rf "$dir/"*', "data-loss"),
    Planted("hadolint", "Dockerfile", "FROM debian:12\n", "RUN sudo make install", "insecure-permissions"),
    Planted(
        "zizmor",
        ".github/workflows/a.yml",
        "name: ci\non: issues\npermissions: {}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    permissions: {}\n    steps:\n",
        "      - run: echo ${{ github.event.issue.title }}",
        "workflow-injection",
    ),
    Planted("secrets", "notes.txt", "x\n", "key: AKIA" + "QYLPMN5HHHFPZAM2", "hardcoded-secret"),
    Planted("hidden", "c.py", "x = 1\n", "x = 2  # \u202e", "hidden-characters"),
    Planted("dependencies", "requirements.txt", "attrs==25.1.0\n", "pyyaml==5.3.1", "vulnerable-dependency"),
]  # fmt: skip

noise = st.lists(st.sampled_from(NOISE), min_size=1, max_size=3)
line_ends = st.sampled_from(["\n", "\r\n", "\r\r\n"])
lines = st.lists(st.tuples(noise, line_ends), max_size=4)


def source_of(
    planted: Planted, above: list[tuple[list[str], str]], end: str, *, mark: bool
) -> tuple[str, int]:
    """The text, and the line of its defect in git. Noise is between comments, so that it stays valid code."""
    top = "".join(
        planted.comment + "".join(f" a{each}{planted.comment} b" for each in characters) + line_end
        for characters, line_end in above
    )
    text = ("\ufeff" if mark else "") + planted.before + top + planted.defect + end
    return text, (planted.before + top).count("\n") + 1


def diff_of(files: dict[str, str]) -> DiffIndex:
    """A diff that adds these files, as git writes it."""
    patch = b""
    for path, text in files.items():
        rows = text.encode().removesuffix(b"\n").split(b"\n")
        patch += f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n".encode()
        patch += b"@@ -0,0 +1,%d @@\n" % len(rows) + b"".join(b"+" + row + b"\n" for row in rows)
    return DiffIndex(parse_diff(patch))


def places(analysis: Analysis, planted: Planted, index: DiffIndex) -> list[tuple[int, Placement]]:
    anchored = [
        anchor(finding, index)
        for finding in analysis.findings
        if finding.path == planted.path
        and finding.rule_id == planted.rule_id
        and f"analyzers:{planted.finder}" in finding.found_by
    ]
    return [(finding.start_line, finding.placement) for finding in anchored]


@settings(max_examples=4, deadline=None, suppress_health_check=SLOW_OR_LARGE)
@given(above=st.lists(lines, min_size=len(PLANTED), max_size=len(PLANTED)), end=line_ends, mark=st.booleans())
async def test_every_analyzers_finding_is_inline_on_its_git_line(
    above: list[list[tuple[list[str], str]]], end: str, mark: bool
) -> None:
    expected: dict[str, int] = {}
    texts: dict[str, str] = {}
    for planted, rows in zip(PLANTED, above, strict=True):
        texts[planted.path], expected[planted.path] = source_of(planted, rows, end, mark=mark)
    index = diff_of(texts)
    analysis = await analyze([ChangedFile.whole(path, text) for path, text in texts.items()])
    for planted in PLANTED:
        found = places(analysis, planted, index)
        assert (expected[planted.path], Placement.INLINE) in found, (
            planted.finder,
            texts[planted.path],
            analysis.partly,
        )
    assert (analysis.partly, analysis.unparsed) == ((), ())
