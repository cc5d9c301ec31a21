"""From what stages claim to what is said, with nothing lost on the way."""

from collections.abc import Collection, Sequence

from inline_snapshot import snapshot

from app.domain.configuration import RepositoryConfig
from app.domain.diff import Side
from app.domain.edit import FileEdit
from app.domain.finding import (
    Finding,
    Judgement,
    Placement,
    RejectionCode,
    SettlementCode,
    SettlementNote,
    Severity,
    Stage,
    VerifierVerdict,
)
from app.domain.model_call import Provider
from app.findings.pairs import Comparisons
from app.findings.settle import IsRead, Settlement, nothing_is_read, settle
from tests.unit.findings.making import CLAUDE, GPT, RUFF, diff_of, finding, sources_of

OLD = "import db\n\n\ndef pay(id):\n    return db.run(1)\n"
NEW = 'import db\n\n\ndef pay(id):\n    q = "SELECT " + id\n    print(q)\n    return db.run(q)\n'
FILES = {"pay.py": (OLD, NEW)}


class Gemini:
    """Confirms what speaks of injection and refutes the rest."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], list[Provider]]] = []

    async def __call__(
        self, candidates: Sequence[Finding], excluded: Sequence[Provider], near: Comparisons
    ) -> list[VerifierVerdict]:
        del near
        self.asked.append(([each.title for each in candidates], list(excluded)))
        return [self._judge(each) for each in candidates]

    def _judge(self, claim: Finding) -> VerifierVerdict:
        real = claim.rule_id == "sql-injection"
        judgement = Judgement.CONFIRMED if real else Judgement.REFUTED
        return VerifierVerdict(
            id=claim.fingerprint, judgement=judgement, evidence="pay.py:5", worth=9 * real, by="gemini:pro"
        )


async def all_sound(edits: Sequence[FileEdit]) -> list[bool]:
    return [True for _ in edits]


async def settled(
    findings: Sequence[Finding],
    gemini: Gemini,
    config: RepositoryConfig | None = None,
    *,
    is_read: IsRead = nothing_is_read,
    left_out: Collection[str] = (),
) -> Settlement:
    return await settle(
        findings,
        diff=diff_of(FILES),
        config=config or RepositoryConfig(),
        ask_verdicts=gemini,
        source_of=sources_of(FILES),
        enclosing_symbol=lambda path, source, line: "pay",
        check_edits=all_sound,
        vendors=(Provider.CLAUDE, Provider.GPT, Provider.GEMINI),
        is_read=is_read,
        left_out=left_out,
    )


CLAIMS = [
    finding(
        title="The id reaches the query", rule_id="sql-injection", quote='q = "SELECT " + id', line=99,
        suggestion='q = "SELECT ?"', severity=Severity.HIGH,
    ),
    finding(title="S608", rule_id="sql-injection", line=5, found_by=(RUFF,), severity=Severity.MEDIUM),
    finding(title="Prints the query", rule_id="sensitive-data-in-log", quote="print(q)", line=1),
    finding(title="T201", rule_id="sensitive-data-in-log", line=6, found_by=(RUFF,), severity=Severity.LOW),
    finding(title="Password in the open", path="/etc/shadow", quote="root", stage=Stage.SECURITY, found_by=(GPT,)),
    finding(title="db.run is slow", rule_id="performance", quote="return db.run(q)", line=7, found_by=(GPT,)),
]  # fmt: skip


async def test_each_claim_becomes_a_finding_or_a_rejection_with_a_reason() -> None:
    gemini = Gemini()
    result = await settled(CLAIMS, gemini)
    shown = [(each.title, each.placement.value, each.start_line, each.found_by) for each in result.findings]
    assert shown == snapshot(
        [
            ("The id reaches the query", "inline", 5, ("claude:opus", "analyzers:ruff")),
            ("T201", "inline", 6, ("analyzers:ruff",)),
        ]
    )
    assert [(each.finding.title, each.code, each.detail) for each in result.rejected] == snapshot(
        [
            ("Password in the open", RejectionCode.OTHER_FILE, ""),
            ("Prints the query", RejectionCode.REFUTED, "pay.py:5"),
            ("db.run is slow", RejectionCode.REFUTED, "pay.py:5"),
        ]
    )
    assert gemini.asked == snapshot(
        [
            (
                ["The id reaches the query", "Prints the query", "db.run is slow"],
                [Provider.CLAUDE, Provider.GPT],
            )
        ]
    )


async def test_a_confirmed_finding_has_its_line_fingerprint_and_suggestion() -> None:
    first, *_ = (await settled(CLAIMS, Gemini())).findings
    assert first.start_line == 5
    assert first.suggestion == '    q = "SELECT ?"'
    assert (first.side, first.placement, first.worth) == (Side.RIGHT, Placement.INLINE, 9)
    assert len(first.fingerprint) == 32
    assert first.found_by == (CLAUDE, RUFF)


async def test_fingerprints_are_unique_and_the_same_in_every_run() -> None:
    one, other = (await settled(CLAIMS, Gemini())), (await settled(CLAIMS[::-1], Gemini()))
    names = {each.title: each.fingerprint for each in one.findings}
    assert names == {each.title: each.fingerprint for each in other.findings}
    assert len(set(names.values())) == len(names)


async def test_a_vendor_that_the_repository_does_not_allow_is_not_asked() -> None:
    gemini = Gemini()
    config = RepositoryConfig(providers=(Provider.CLAUDE, Provider.GPT))
    await settled(CLAIMS[:1], gemini, config)
    assert gemini.asked == [(["The id reaches the query"], [Provider.CLAUDE])]


async def test_claims_on_a_file_that_models_did_not_see_are_rejected() -> None:
    gemini = Gemini()
    result = await settled(CLAIMS[:2], gemini, left_out={"pay.py"})
    assert [each.title for each in result.findings] == ["S608"]
    assert [(each.finding.title, each.code) for each in result.rejected] == [
        ("The id reaches the query", RejectionCode.EXCLUDED_FILE)
    ]
    assert gemini.asked == []


async def test_a_claim_whose_quote_stands_nowhere_is_rejected_unverified() -> None:
    gemini = Gemini()
    nowhere = finding(title="Runs a command", rule_id="command-injection", quote="os.system(cmd)", line=900)
    whole = finding(title="No test covers this", rule_id="sql-injection", quote="", line=900)
    result = await settled([nowhere, whole], gemini)
    assert [(each.finding.title, each.code) for each in result.rejected] == [
        ("Runs a command", RejectionCode.QUOTE_NOT_FOUND)
    ]
    assert [(each.title, each.start_line, each.placement.value) for each in result.findings] == [
        ("No test covers this", 1, "file")
    ]
    assert gemini.asked == [(["No test covers this"], [Provider.CLAUDE])]


async def test_without_claims_there_are_no_calls() -> None:
    gemini = Gemini()
    assert await settled([], gemini) == Settlement(findings=())
    assert gemini.asked == []


async def test_an_analyzers_finding_that_models_refuted_is_kept_but_not_inline() -> None:
    result = await settled(CLAIMS, Gemini(), is_read=lambda finding: finding.path == "pay.py")
    assert [(each.title, each.placement.value) for each in result.findings] == [
        ("The id reaches the query", "inline"),
        ("T201", "summary"),
    ]
    assert result.notes == (SettlementNote(code=SettlementCode.UNSHARED_PATTERNS, values=("1",)),)


async def test_one_defect_at_two_lines_of_a_function_is_one_comment_without_verification() -> None:
    gemini = Gemini()
    result = await settled(
        [
            finding(rule_id="sql-injection", quote='q = "SELECT " + id', title="The id reaches the query"),
            finding(
                rule_id="sql-injection", quote="return db.run(q)", title="Runs raw input", found_by=(GPT,)
            ),
        ],
        gemini,
        RepositoryConfig(quorum=2),
    )
    [one] = result.findings
    assert (one.found_by, one.confirmed_by, one.start_line) == ((CLAUDE, GPT), (), 5)
