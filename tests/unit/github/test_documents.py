"""Each GraphQL document is valid under GitHub's schema."""

import pytest

from app.github import documents
from tests.contracts.graphql import check_document

DOCUMENTS = {
    "snapshot without files": documents.snapshot(0),
    "snapshot": documents.snapshot(12),
    "blobs": documents.blobs(15),
    "threads": documents.REVIEW_THREADS,
    "comments": documents.COMMENTS,
    "reviews": documents.REVIEWS,
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_each_document_is_valid(document: str) -> None:
    assert check_document(document) == []


def test_the_check_would_see_a_wrong_document() -> None:
    assert check_document("query { repository(owner: 1) { nope } }")
