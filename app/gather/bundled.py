"""Tell code that others wrote, and that only lies in the repository, by path and text. It never enters the context. Pure.

This is about context only. A changed file is read whatever its name is, and look-ups answer for every file.
"""

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Protocol

from app.domain.diff import Side
from app.domain.pull_request import TextMatch

MAX_AVERAGE_CHARACTERS = 300  # of a line; people write shorter ones
MIN_MINIFIED_CHARACTERS = 2_000
SURPLUS = 10  # times the wanted lines, because those in others' code are dropped

_FOLDERS = frozenset(
    [
        "node_modules",
        "bower_components",
        "jspm_packages",
        "web_modules",
        "vendor",
        "vendors",
        "vendored",
        "_vendor",
        "_vendored",
        "third_party",
        "third-party",
        "thirdparty",
        "3rdparty",
        "3rd-party",
        "pods",
        "carthage",
        "godeps",
        "site-packages",
        "dist-packages",
        ".yarn",
        ".pnpm",
        ".bundle",
        ".venv",
        "venv",
        ".terraform",
        ".gradle",
        ".cargo",
    ]
)
_NAMES = re.compile(
    r"""(?x)
    [.-](?:min|bundle|umd)\.[cm]?(?:js|css)$
    | \.(?:map|snap)$
    | ^\.pnp\.(?:c?js|loader\.mjs)$
    | ^(?:yarn|pnpm|npm)-v?\d[\w.-]*\.c?js$
    | ^(?:jquery|bootstrap|modernizr|underscore|lodash)(?:[.-]ui)?(?:[.-]v?\d[\w.-]*)?(?:[.-]slim)?\.(?:js|css)$
    | ^(?:angular|backbone|d3|handlebars|moment|react|three|vue)[.-]v?\d[\w.-]*\.(?:js|css)$
    | ^(?:gradlew|mvnw)(?:\.(?:bat|cmd))?$
    | ^(?:get-pip|ez_setup|distribute_setup|versioneer|waf)(?:\.py)?$
    """,
    re.IGNORECASE,
)
_MAIL_FOLDER = re.compile(
    r"^(?:e?-?mails?|mailers?|(?:e?-?mail|mailer|notification)[_-]?templates?|newsletters?)$", re.IGNORECASE
)
_PAGE = re.compile(
    r"\.(?:html?|mjml|xhtml|css)(?:\.\w+)?$|\.(?:hbs|ejs|erb|liquid|twig|jinja2?|j2|mustache|njk|heex)$",
    re.IGNORECASE,
)
_MAIL_TEXT = re.compile(
    r"<!--\[if\s[^\]]{0,40}\bmso\b|urn:schemas-microsoft-com:(?:vml|office)|x-apple-disable-message-reformatting|<mjml\b"
    r"|-ms-text-size-adjust|#outlook\b|\.ExternalClass\b",
    re.IGNORECASE,
)


_BUNDLE = re.compile(
    r"^//[#@] sourceMappingURL=|\b__webpack_require__\b|\bparcelRequire\w*\b|^\s*var __(?:defProp|commonJS|create) = "
    r"|^\s*\(function \(global, factory\) \{|^/\*{6}/",
    re.MULTILINE,
)


def is_bundled(path: str) -> bool:
    """Whether the path says that others wrote the file: a folder of dependencies, a bundle, a minified file, a mail template."""
    pure = PurePosixPath(path)
    folders = pure.parts[:-1]
    if any(folder.lower() in _FOLDERS for folder in folders) or _NAMES.search(pure.name):
        return True
    return bool(_PAGE.search(pure.name)) and any(map(_MAIL_FOLDER.match, folders))


def is_wanted(path: str, changed: Collection[str]) -> bool:
    """Whether the file may be context of the changed files; code of others may, if the change is in the same folder of it."""
    if not is_bundled(path):
        return True
    return any(is_bundled(each) and _root(each) == _root(path) for each in changed)


def is_boilerplate(text: str) -> bool:
    """Whether the text is minified, the output of a bundler, or a page for mail programs."""
    lines = text.count("\n") + 1
    is_minified = len(text) >= MIN_MINIFIED_CHARACTERS and len(text) / lines > MAX_AVERAGE_CHARACTERS
    return is_minified or _MAIL_TEXT.search(text) is not None or _BUNDLE.search(text) is not None


class SearchableTree(Protocol):
    """What the context needs of a source."""

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        """Find lines of the head's tree that contain this whole word."""
        ...

    async def blob(self, path: str, side: Side) -> bytes | None:
        """Read a file; None if there is none."""
        ...


class OwnCode:
    """Searches and reads the tree without the code that others wrote."""

    def __init__(self, source: SearchableTree, *, changed: Collection[str]) -> None:
        self._source = source
        self._changed = changed

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        """Find lines that contain this whole word."""
        found = await self._source.grep(word, limit=limit * SURPLUS)
        return [match for match in found if is_wanted(match.path, self._changed)][:limit]

    async def blob(self, path: str, side: Side) -> bytes | None:
        """Read a file; None if there is none, or if it is minified or a page for mail programs."""
        raw = await self._source.blob(path, side)
        return None if raw is None or is_boilerplate(raw.decode("utf-8", "replace")) else raw


def _root(path: str) -> tuple[str, ...]:
    """The folder of dependencies, such as `src/pip/_vendor`; the whole path outside of one."""
    parts = PurePosixPath(path).parts
    depth = next((place for place, each in enumerate(parts[:-1]) if each.lower() in _FOLDERS), len(parts))
    return parts[: depth + 1]
