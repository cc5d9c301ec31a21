"""Large changes are split into chunks of related files, without losing lines or exceeding the budget."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from app.domain.diff import FileDiff
from app.gather.chunks import file_tokens, split_into_chunks
from tests.unit.gather.fakes import diff_of


def file(path: str, lines: int = 10, text: str = "value = compute()") -> FileDiff:
    return diff_of(path, None, "\n".join([text] * lines))


def paths(chunks: tuple[tuple[FileDiff, ...], ...]) -> list[list[str]]:
    return [[each.path for each in chunk] for chunk in chunks]


def test_a_small_change_is_one_chunk_in_the_original_order() -> None:
    files = [file("z.py"), file("a.py")]
    assert split_into_chunks(files, chunk_tokens=1_000) == (tuple(files),)
    assert split_into_chunks([], chunk_tokens=1_000) == ()


def test_a_test_stays_with_its_subject() -> None:
    files = [file("src/pay.py"), file("src/user.py"), file("tests/test_pay.py"), file("tests/test_user.py")]
    chunks = split_into_chunks(files, chunk_tokens=2 * file_tokens(files[0]) + 5)
    assert paths(chunks) == [["src/pay.py", "tests/test_pay.py"], ["src/user.py", "tests/test_user.py"]]


def test_a_file_stays_with_the_one_it_imports() -> None:
    files = [file("a/models.py"), file("b/other.py"), file("c/views.py", text="from a.models import compute")]
    chunks = split_into_chunks(files, chunk_tokens=file_tokens(files[0]) + file_tokens(files[2]) + 5)
    assert paths(chunks) == [["a/models.py", "c/views.py"], ["b/other.py"]]


def test_three_hundred_files_are_all_covered() -> None:
    files = [file(f"pkg{n % 10}/module{n}.py", lines=60) for n in range(300)]
    chunks = split_into_chunks(files, chunk_tokens=8_000)
    assert sorted(path for chunk in paths(chunks) for path in chunk) == sorted(each.path for each in files)
    assert all(sum(map(file_tokens, chunk)) <= 8_000 for chunk in chunks)
    least = sum(map(file_tokens, files)) / 8_000
    assert len(chunks) <= 1.3 * least + 1


def test_a_file_larger_than_a_chunk_is_split_between_its_lines() -> None:
    [big] = [file("big.py", lines=2_000)]
    chunks = split_into_chunks([big], chunk_tokens=2_000)
    assert len(chunks) > 1
    lines = [line for chunk in chunks for part in chunk for hunk in part.hunks for line in hunk.lines]
    assert lines == list(big.hunks[0].lines)
    for chunk in chunks:
        for part in chunk:
            assert all(hunk.new_start == hunk.lines[0].new_line for hunk in part.hunks)
            assert all(hunk.new_count == len(hunk.lines) for hunk in part.hunks)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 80)), min_size=1, max_size=12),
    st.integers(150, 2_000),
)
def test_no_line_is_lost_or_duplicated_and_the_budget_holds(
    sizes: list[tuple[str, int]], budget: int
) -> None:
    files = [file(f"{name}/f{index}.py", lines) for index, (name, lines) in enumerate(sizes)]
    chunks = split_into_chunks(files, chunk_tokens=budget)

    def counted(parts: list[FileDiff]) -> Counter[tuple[str, int | None]]:
        return Counter(
            (part.path, line.new_line) for part in parts for hunk in part.hunks for line in hunk.lines
        )

    assert counted([part for chunk in chunks for part in chunk]) == counted(files)
    assert all(sum(map(file_tokens, chunk)) <= budget for chunk in chunks)
