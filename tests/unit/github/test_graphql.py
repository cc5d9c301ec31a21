"""Each GraphQL document is valid under GitHub's schema."""

import pytest

from app.github import graphql
from tests.contracts.graphql import check_document

DOCUMENTS = {
    "snapshot without files": graphql.snapshot(0),
    "snapshot": graphql.snapshot(12),
    "blobs": graphql.blobs(15),
    "annotations": graphql.ANNOTATIONS,
    "history": graphql.HISTORY,
    "blame": graphql.BLAME,
    "threads": graphql.REVIEW_THREADS,
    "comments": graphql.COMMENTS,
    "reviews": graphql.REVIEWS,
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_each_document_is_valid(document: str) -> None:
    assert check_document(document) == []


def test_the_check_rejects_an_invalid_document() -> None:
    assert check_document("query { repository(owner: 1) { nope } }")
