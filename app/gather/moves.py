"""Show the whole text of a file that was only renamed, if its new name makes it something else. Pure.

A diff shows no line of such a file. As `notes.txt` nobody read it as code; as `conftest.py` it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from app.domain.content import ContentKind, kind_of, text_change
from app.domain.diff import Diff, FileDiff
from app.domain.review import Omission
from app.gather.contents import Contents
from app.gather.selection import Globs, Selection, reason_to_omit

CONTENT_UNKNOWN = "renamed, and its content is not known"
_RUN_BY_NAME = frozenset(
    {
        *("__init__.py", "__main__.py", "conftest.py", "setup.py", "sitecustomize.py", "usercustomize.py"),
        *("noxfile.py", "fabfile.py", "tasks.py", "manage.py", "build.rs", "build.gradle", "build.xml"),
        *("package.json", "pom.xml", "makefile", "gnumakefile", "dockerfile", "jenkinsfile", "rakefile"),
        *("gemfile", "gulpfile.js", "gruntfile.js", "action.yml", "action.yaml", "compose.yaml"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """The files that a rename made something else, with all their lines as added, or with the reason why they are omitted."""

    shown: Mapping[str, FileDiff]
    omitted: Mapping[str, str]

    def select(self, selection: Selection) -> Selection:
        """The selection with the shown files in place of the renames, and without the omitted ones."""
        reviewed = tuple(self.shown.get(file.path, file) for file in selection.reviewed)
        omitted = (Omission(path=path, reason=reason) for path, reason in self.omitted.items())
        return Selection(
            reviewed=tuple(file for file in reviewed if file.path not in self.omitted),
            omitted=(*selection.omitted, *omitted),
        )

    def diff(self, diff: Diff) -> Diff:
        """The diff with the lines of the shown files."""
        return replace(diff, files=tuple(self.shown.get(file.path, file) for file in diff.files))

    def contents(self, contents: Contents) -> Contents:
        """The contents without the bases of the shown files: as what it is now, no line of such a file was there before."""
        bases = {path: raw for path, raw in contents.bases.items() if path not in self.shown}
        return replace(contents, bases=bases)


def find_moves(selection: Selection, contents: Contents, *, ignored: Globs) -> Moves:
    """Find the selected files without changed lines whose new name makes them something else."""
    shown: dict[str, FileDiff] = {}
    omitted: dict[str, str] = {}
    for file in selection.reviewed:
        if not _becomes_something_else(file, ignored):
            continue
        head = contents.heads.get(file.path)
        whole = text_change(file, base=None, head=head)
        if reason := _reason(whole, head, ignored):
            omitted[file.path] = reason
        else:
            shown[file.path] = whole
    return Moves(shown=shown, omitted=omitted)


def _becomes_something_else(file: FileDiff, ignored: Globs) -> bool:
    if file.previous_path is None or file.hunks:
        return False
    old, new = PurePosixPath(file.previous_path), PurePosixPath(file.path)
    return (
        old.suffix.lower() != new.suffix.lower()
        or (old.name != new.name and new.name.lower() in _RUN_BY_NAME)
        or bool(_dotted(new) - _dotted(old))
        or ignored.matches(file.previous_path)
    )


def _dotted(path: PurePosixPath) -> set[str]:
    """The folders that programs look into by themselves, such as `.github` and `.husky`."""
    return {part for part in path.parts[:-1] if part.startswith(".")}


def _reason(whole: FileDiff, head: bytes | None, ignored: Globs) -> str | None:
    if head is None:
        return CONTENT_UNKNOWN
    kind = kind_of(head)
    return reason_to_omit(whole, ignored=ignored) if kind is ContentKind.TEXT else kind.value
