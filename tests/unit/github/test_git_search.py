"""One git process searches a tree for many words."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.github.git_process import Git
from app.github.git_reads import MAX_SEARCH_BYTES, Search, grep_tree
from tests.unit.github.repositories import Checkout

WORDS = ["pay", "pay_now", "größe", "$total", "a.b", "absent", "", "two words", "x\ny"]
FILES: dict[str, str | bytes | None] = {
    "a.py": "pay()\npay_now(pay)\nrepay()\nx = größe + $total\n",
    "b.py": "a.b a_b aXb\ntwo words\nübergröße größe\n",
    "c.bin": b"pay\x00pay\n",
    "d.txt": b"caf\xe9 pay \xe9pay\n",
}


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Git:
    checkout = Checkout(tmp_path_factory.mktemp("search") / "repository")
    checkout.commit(FILES)
    return Git(directory=checkout.directory)


async def test_whole_words_are_found_up_to_the_limit(git: Git) -> None:
    pay, once = Search("pay", 9), Search("pay", 1)
    found = await grep_tree(git, [pay, once], tree="HEAD")
    assert [(match.path, match.line) for match in found[pay]] == [("a.py", 1), ("a.py", 2), ("d.txt", 1)]
    assert found[once] == found[pay][:1]


@settings(max_examples=25, deadline=None)
@given(words=st.lists(st.sampled_from(WORDS), unique=True, min_size=1))
async def test_a_batch_of_words_finds_what_single_searches_find(git: Git, words: list[str]) -> None:
    found = await grep_tree(git, [Search(word, 99) for word in words], tree="HEAD")
    for search, matches in found.items():
        alone = await git.run("grep", "-cwFI", "-e", search.word, "HEAD", allowed=(0, 1))
        counted = Counter(f"HEAD:{match.path}:" for match in matches)
        assert alone.decode() == "".join(f"{path}{count}\n" for path, count in counted.items())
    assert {search.word for search in found} == {word for word in words if word and "\n" not in word}


async def test_a_very_frequent_word_does_not_hide_others(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "repository")
    line = "common " + "x" * 1_000 + "\n"
    checkout.commit({"a.txt": line * (MAX_SEARCH_BYTES // len(line) + 1), "z.txt": "rare\n"})
    rare, common = Search("rare", 3), Search("common", 3)
    found = await grep_tree(Git(directory=checkout.directory), [rare, common], tree="HEAD")
    assert [match.path for match in found[rare]] == ["z.txt"]
    assert len(found[common]) == 3
