"""An edit of a file: what a suggestion does when somebody applies it. No I/O."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEdit:
    """Lines `start` to `end` (indexes; `end` is excluded) of a text, replaced by `lines`.

    `intended` is the replacement as its author wrote it, before it took the indentation of the file.
    `first_line` is the number of the text's first line: 1, unless only a hunk of the file is known.
    """

    path: str
    source: str
    start: int
    end: int
    lines: tuple[str, ...]
    intended: tuple[str, ...]
    first_line: int = 1

    @property
    def changes_nothing(self) -> bool:
        """Whether it only changes space at the ends of lines."""
        old = self.source.split("\n")[self.start : self.end]
        return [line.rstrip() for line in old] == [line.rstrip() for line in self.lines]

    @property
    def result(self) -> str:
        """The text after the edit; the new lines end like the replaced ones."""
        old = self.source.split("\n")
        ending = "\r" if any(line.endswith("\r") for line in old[self.start : self.end]) else ""
        return "\n".join([*old[: self.start], *(line + ending for line in self.lines), *old[self.end :]])
