"""A file as it was before a change: its new content with the patch taken back. Pure; saves a call for every base file."""

from app.domain.diff import FileDiff, FileStatus, Hunk, LineKind


def take_back(head: bytes, file: FileDiff) -> bytes | None:
    """The file at the merge base, from its content at the head; None where there was none or the patch does not fit.

    A patch does not say here whether the old file ended with a newline: it does if the new one does.
    """
    if file.status is FileStatus.ADDED or file.binary or file.error:
        return None
    lines = head.split(b"\n")
    for hunk in reversed(file.hunks):
        start = hunk.new_start - 1 if hunk.new_count else hunk.new_start
        stop = start + hunk.new_count
        if lines[start:stop] != _texts(hunk, without=LineKind.REMOVED):
            return None
        lines[start:stop] = _texts(hunk, without=LineKind.ADDED)
    return b"\n".join(lines)


def _texts(hunk: Hunk, *, without: LineKind) -> list[bytes]:
    return [line.text.encode("utf-8", "surrogateescape") for line in hunk.lines if line.kind is not without]
