"""Parse a pull request from the node of the snapshot query; convert REST's answer to the same node."""

from typing import Any

from app.domain.pull_request import PullRequest, PullRequestRef

Node = dict[str, Any]


def child(node: Node, field: str) -> Node:
    """Return a nested object; empty if GitHub returned null."""
    return node.get(field) or {}


def node_of_rest(pull: Node) -> Node:
    """Convert REST's pull request to the fields that `parse_pull_request` reads."""
    head_repository = pull["head"].get("repo")
    return {
        "title": pull["title"],
        "body": pull.get("body") or "",
        "state": "MERGED" if pull.get("merged_at") else pull["state"].upper(),
        "isDraft": bool(pull.get("draft")),
        "changedFiles": pull.get("changed_files", 0),
        "author": author_of_rest(pull.get("user")),
        "labels": {"nodes": [{"name": label["name"]} for label in pull.get("labels", ())]},
        "baseRefName": pull["base"]["ref"],
        "baseRefOid": pull["base"]["sha"],
        "headRefName": pull["head"]["ref"],
        "headRefOid": pull["head"]["sha"],
        "headRepository": {"nameWithOwner": head_repository["full_name"]} if head_repository else None,
        "baseRef": {"target": {"oid": pull["base"]["sha"]}},
        "repository": {"isArchived": bool(child(pull["base"], "repo").get("archived"))},
    }


def author_of_rest(user: Node | None) -> Node | None:
    """Convert REST's account; None if it was deleted."""
    return {"login": user["login"], "__typename": user.get("type", "User")} if user else None


def parse_pull_request(ref: PullRequestRef, pull: Node) -> PullRequest:
    """Parse the node of a pull request."""
    author = pull["author"] or {"login": "ghost", "__typename": "User"}  # null: the account was deleted
    return PullRequest(
        ref=ref,
        title=pull["title"],
        body=pull["body"],
        author=author["login"],
        author_is_bot=author["__typename"] == "Bot",
        state="open" if pull["state"] == "OPEN" else "closed",
        merged=pull["state"] == "MERGED",
        draft=pull["isDraft"],
        labels=tuple(label["name"] for label in child(pull, "labels").get("nodes") or ()),
        base_ref=pull["baseRefName"],
        base_sha=child(child(pull, "baseRef"), "target").get("oid") or pull["baseRefOid"],
        head_ref=pull["headRefName"],
        head_sha=pull["headRefOid"],
        head_repository=child(pull, "headRepository").get("nameWithOwner"),
        archived=bool(child(pull, "repository").get("isArchived")),
    )
