"""Built-in reviewers that need no key; nothing of the pull request is executed.

`analyze` is the door: changed files in, findings on added lines and facts about the change out.
"""

from app.analyzers.analysis import analyze
from app.domain.advisory import Advisory, AdvisoryAnswer, AdvisoryLookup, Package
from app.domain.analysis import Analysis, ApiChange, ChangedFile, UndocumentedSymbol

__all__ = [
    "Advisory",
    "AdvisoryAnswer",
    "AdvisoryLookup",
    "Analysis",
    "ApiChange",
    "ChangedFile",
    "Package",
    "UndocumentedSymbol",
    "analyze",
]
