"""What models see of the team's guidelines, and what people learn about the rest."""

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.review import ReviewContext
from app.gather.guidelines import ChosenGuidelines, choose_guidelines
from app.publish.notes import context_notes
from tests.unit.publish.examples import DIFF

RULES = "\n".join(f"- Rule {number}: name things after what they hold." for number in range(400))


def chosen(
    found: dict[str, str], *paths: str, characters: int = 4_000, tier: str = "full"
) -> ChosenGuidelines:
    raw = {path: text.encode() for path, text in found.items()}
    return choose_guidelines(raw, ["AGENTS.md"], tier=tier, characters=characters, paths=paths)


def test_a_short_guideline_is_shown_byte_for_byte() -> None:
    text = "# Style\n\nPrices are Decimal.\n\n## Python\n\nType everything."
    result = chosen({"AGENTS.md": text + "\n"}, "src/pay.go")
    assert [each.text for each in result.shown] == [text]
    assert result.cuts == ()


def test_people_learn_which_guideline_was_cut_where() -> None:
    result = chosen({"AGENTS.md": RULES}, "pay.py")
    [cut], [shown] = result.cuts, result.shown
    assert shown.text.startswith("- Rule 0:")
    assert f"Rule {cut.line - 2}:" in shown.text
    assert f"Rule {cut.line - 1}:" not in shown.text
    assert cut.lines == 400
    context = ReviewContext(
        pull_request=None, diff=DIFF, chunks=(), guidelines=result.shown, guideline_cuts=result.cuts
    )
    notes = context_notes(context, invalid_patterns=())
    assert f"Guideline cut: AGENTS.md at line {cut.line} of 400;" in notes[1]
    assert "Raise `guideline_characters`" in notes[1]


def test_the_budget_is_a_setting() -> None:
    assert chosen({"AGENTS.md": RULES}, "pay.py", characters=40_000).cuts == ()
    small = chosen({"AGENTS.md": RULES}, "pay.py", characters=500)
    assert len(small.shown[0].text) < 560


def test_sections_about_the_changed_paths_come_first() -> None:
    long = f"# General\n{RULES}\n# Payments\nCode in `src/pay/` uses Decimal.\n# SQL\nIn `*.sql` use CTEs.\n# Go\nNo panics in `*.go`."
    for path, rule in (
        ("src/pay/a.py", "uses Decimal"),
        ("db/x.sql", "use CTEs"),
        ("cmd/main.go", "No panics"),
    ):
        [shown] = chosen({"AGENTS.md": long}, path).shown
        assert rule in shown.text.split("# General")[0], path
        assert "Rule 1:" in shown.text
    [shown] = chosen({"AGENTS.md": long}, "other.rs").shown
    assert "uses Decimal" not in shown.text


def test_a_folders_guideline_gets_room_before_the_repositorys() -> None:
    found = {name: f"{name}\n{RULES}" for name in ("AGENTS.md", "a/AGENTS.md", "b/AGENTS.md", "c/AGENTS.md")}
    result = chosen(found, "a/x.py", "b/x.py", "c/x.py", tier="lite")
    assert [each.path for each in result.shown] == ["a/AGENTS.md", "b/AGENTS.md"]
    assert [(cut.path, cut.shown_characters > 0) for cut in result.cuts] == [
        ("AGENTS.md", False),
        ("a/AGENTS.md", True),
        ("b/AGENTS.md", True),
        ("c/AGENTS.md", False),
    ]


def test_one_long_line_is_cut_and_named() -> None:
    [cut] = chosen({"AGENTS.md": "x" * 9_000}, "a.py").cuts
    assert (cut.line, cut.shown_characters, cut.characters) == (1, 4_000, 9_000)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(["# a", "```", "use `*.py`", "x" * 300, "", "## src/pay/", "**/*[", "é" * 90]),
        max_size=40,
    ),
    st.integers(500, 3_000),
)
def test_every_cut_is_named_and_every_shown_line_is_the_files_own(lines: list[str], characters: int) -> None:
    text = "\n".join(lines).strip()
    result = chosen({"AGENTS.md": text}, "src/pay/a.py", characters=characters)
    for shown in result.shown:
        if result.cuts:
            [cut] = result.cuts
            assert cut.shown_characters <= characters
            body = shown.text.rpartition("\n[cut: ")[0]
            assert set(body.split("\n")) <= set(text.split("\n"))
        else:
            assert shown.text == text
