from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from app.domain.finding import Stage
from app.domain.job import (
    ChangedJob,
    CheckActionJob,
    CheckSuiteJob,
    ClosedJob,
    CommentJob,
    Delivery,
    InstallationJob,
    MergeGroupJob,
    ReviewJob,
)
from app.store.deliveries import job_to_json, parse_job
from tests.unit.webhooks.deliveries import (
    BEFORE,
    HEAD,
    Json,
    check_run,
    common,
    delivery,
    issue_comment,
    pull_request,
    review_comment,
)
from webhooks.events import decide
from webhooks.triggers import Ignored, Rules

RULES = Rules(redact=lambda text: text.replace("hunter2", "[REDACTED:password]"))


def decided(event: str, body: Json, rules: Rules = RULES, guid: str = "guid-1") -> Any:
    job = decide(delivery(event, guid), body, rules)
    if not isinstance(job, Ignored):
        assert parse_job(job_to_json(job)) == job
    return job


def reason(event: str, body: Json, rules: Rules = RULES) -> str:
    ignored = decided(event, body, rules)
    assert isinstance(ignored, Ignored)
    return ignored.reason


@pytest.mark.parametrize("action", ["opened", "reopened", "ready_for_review"])
def test_an_opened_pull_request_is_reviewed_by_all_stages(action: str) -> None:
    job = decided("pull_request", pull_request(action))
    assert isinstance(job, ReviewJob)
    assert (str(job.request.ref), job.request.head_sha, job.request.trigger) == ("octo/shop#7", HEAD, action)
    assert job.request.installation_id == 77
    assert job.request.stages == tuple(Stage)
    assert not job.request.commanded
    assert job.partition == "octo/shop#7"


def test_the_review_of_a_push_names_the_head_before_it() -> None:
    job = decided("pull_request", pull_request("synchronize", before=BEFORE, after=HEAD))
    assert isinstance(job, ReviewJob)
    assert (job.before_sha, job.request.trigger) == (BEFORE, "synchronize")


def test_the_same_head_and_trigger_is_the_same_review_in_any_delivery() -> None:
    first = decided("pull_request", pull_request("opened"), guid="one")
    second = decided("pull_request", pull_request("opened"), guid="two")
    assert first.key == second.key


def test_a_push_back_to_an_earlier_head_is_another_review() -> None:
    there = decided("pull_request", pull_request("synchronize", before=BEFORE))
    back = decided("pull_request", pull_request("synchronize", before="c" * 40))
    assert there.key != back.key


def test_a_new_base_is_reviewed_and_a_new_description_is_not() -> None:
    job = decided("pull_request", pull_request("edited", changes={"base": {"ref": {"from": "develop"}}}))
    assert isinstance(job, ReviewJob)
    assert job.request.trigger == "base:main"
    assert "edited" in reason("pull_request", pull_request("edited", changes={"body": {"from": "x"}}))


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        ("edited", {"title": {"from": "x"}}),
        ("labeled", {}),
        ("unlabeled", {}),
        ("converted_to_draft", {}),
    ],
)
def test_what_may_exclude_a_pull_request_from_review_is_kept_for_its_running_review(
    action: str, changes: Json
) -> None:
    job = decided("pull_request", pull_request(action, changes=changes))
    assert isinstance(job, ChangedJob)
    assert (str(job.ref), job.change) == ("octo/shop#7", action)


def test_a_head_that_is_reopened_twice_is_two_reviews() -> None:
    one, two = (decided("pull_request", pull_request("reopened"), guid=guid) for guid in ("guid-1", "guid-2"))
    assert one.key != two.key


def test_a_closed_pull_request_is_evaluated_and_not_reviewed() -> None:
    job = decided("pull_request", pull_request("closed"))
    assert isinstance(job, ClosedJob)
    assert job.head_sha == HEAD
    pushed = pull_request("synchronize")
    pushed["pull_request"]["state"] = "closed"
    assert reason("pull_request", pushed) == "the pull request is closed"


@pytest.mark.parametrize("action", ["assigned", "milestoned", "locked", "enqueued", "made_up"])
def test_actions_that_do_not_change_the_code_are_ignored_with_their_name(action: str) -> None:
    assert action in reason("pull_request", pull_request(action))


def test_a_command_names_its_author_place_and_text() -> None:
    job = decided("issue_comment", issue_comment("/rereview security full"))
    assert isinstance(job, CommentJob)
    assert job.command is not None
    assert (job.command.name, job.command.words) == ("rereview", ("security", "full"))
    assert (job.author, job.author_id, job.comment_id) == ("mona", 583231, 991)
    assert (str(job.ref), job.comment_kind) == ("octo/shop#7", "issue_comment")


def test_a_reply_in_a_thread_names_the_thread() -> None:
    job = decided("pull_request_review_comment", review_comment("@quorum why?", in_reply_to_id=900))
    assert isinstance(job, CommentJob)
    assert job.command is None
    assert (job.thread_comment_id, job.head_sha, job.comment_kind) == (900, HEAD, "review_comment")


def test_secrets_in_a_comment_are_redacted_before_it_is_stored() -> None:
    job = decided("issue_comment", issue_comment("/ask is hunter2 a good password?\nhunter2"))
    assert isinstance(job, CommentJob)
    assert "hunter2" not in str(job_to_json(job))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (issue_comment("/rereview", action="edited"), "edited"),
        (issue_comment("/rereview", action="deleted"), "deleted"),
        (issue_comment("/rereview", on_pull=False), "issue"),
        (issue_comment("nice work"), "no command"),
        (issue_comment("> /rereview"), "no command"),
        (issue_comment("/rereview", user={"login": "other[bot]", "id": 5, "type": "Bot"}), "bot"),
        (issue_comment("@quorum hi", user={"login": "quorum[bot]", "id": 6, "type": "Bot"}), "own"),
    ],
)
def test_comments_that_ask_for_nothing_are_ignored_with_the_reason(body: Json, why: str) -> None:
    assert why in reason("issue_comment", body)


def test_a_bot_can_give_commands_if_the_operator_lists_its_id_but_the_app_itself_never_can() -> None:
    rules = Rules(redact=str, allowed_bots=frozenset({5, 6}))
    other = issue_comment("/rereview", user={"login": "other[bot]", "id": 5, "type": "Bot"})
    own = issue_comment("/rereview", user={"login": "quorum[bot]", "id": 6, "type": "Bot"})
    assert isinstance(decided("issue_comment", other, rules), CommentJob)
    assert "own" in reason("issue_comment", own, rules)


def test_a_comment_of_a_deleted_account_is_ignored() -> None:
    body = issue_comment("/rereview")
    body["comment"]["user"] = None
    assert "deleted" in reason("issue_comment", body)


def test_the_rerun_button_reviews_with_that_stage_even_on_forks() -> None:
    job = decided("check_run", check_run("rerequested"))
    assert isinstance(job, ReviewJob)
    assert (str(job.request.ref), job.request.stages) == ("octo/shop#7", (Stage.SECURITY,))
    assert (job.request.trigger, job.request.commanded) == ("check_run:55", True)


def test_a_button_of_the_app_is_a_job_each_time_it_is_pressed() -> None:
    body = check_run("requested_action", requested_action={"identifier": "dismiss_low"})
    first, second = decided("check_run", body, guid="one"), decided("check_run", body, guid="two")
    assert isinstance(first, CheckActionJob)
    assert (first.identifier, first.sender, first.stage) == ("dismiss_low", "mona", Stage.SECURITY)
    assert first.key != second.key


@pytest.mark.parametrize(
    "body",
    [
        check_run("rerequested", name="ci/build"),
        check_run("rerequested", external_id="something else"),
        check_run("rerequested", app_id=4),
        check_run("rerequested", external_id=f"octo/shop#7@{'c' * 40}"),
        check_run("rerequested", external_id=f"octo/shop#0@{HEAD}"),
        check_run("rerequested", external_id=f"octo/shop#99999999999999@{HEAD}"),
    ],
)
def test_a_check_run_of_another_app_is_ignored(body: Json) -> None:
    assert "not one of the App's" in reason("check_run", body, Rules(redact=str, app_id=3))


def test_buttons_still_work_after_the_repository_was_renamed() -> None:
    body = check_run("rerequested", external_id=f"former-owner/old-name#7@{HEAD}")
    job = decided("check_run", body, Rules(redact=str, app_id=3))
    assert isinstance(job, ReviewJob)
    assert str(job.request.ref) == "octo/shop#7"


def test_the_progress_of_check_runs_is_ignored() -> None:
    assert "created" in reason("check_run", check_run("created"))


def test_rerun_all_names_the_head_and_the_pull_requests_that_github_lists() -> None:
    suite: Json = {"id": 3, "head_sha": HEAD, "pull_requests": [{"number": 7}]}
    job = decided("check_suite", common("rerequested", check_suite=suite))
    assert isinstance(job, CheckSuiteJob)
    assert (job.head_sha, job.pull_requests) == (HEAD, (7,))
    assert "requested" in reason("check_suite", common("requested", check_suite=suite))


def test_the_merge_queue_gets_its_checks_on_its_own_commit() -> None:
    group = {
        "head_sha": HEAD,
        "head_ref": "refs/heads/gh-readonly-queue/main/pr-7-x",
        "base_ref": "refs/heads/main",
    }
    job = decided("merge_group", common("checks_requested", merge_group=group))
    assert isinstance(job, MergeGroupJob)
    assert job.head_sha == HEAD
    assert "destroyed" in reason("merge_group", common("destroyed", merge_group=group))


def test_installations_are_created_and_deleted() -> None:
    installation = {"id": 77, "account": {"login": "octo", "id": 1}, "permissions": {"checks": "write"}}
    job = decided("installation", {"action": "created", "installation": installation})
    assert isinstance(job, InstallationJob)
    assert (job.change, job.account, job.permissions) == ("created", "octo", {"checks": "write"})
    added = {
        "action": "added",
        "installation": installation,
        "repositories_added": [{"full_name": "octo/new"}],
    }
    assert decided("installation_repositories", added).repositories == ("octo/new",)
    odd = {"action": "something_new", "installation": installation}
    assert "something_new" in reason("installation", odd)


def test_the_job_of_a_renamed_repository_names_the_old_name() -> None:
    job = decided("repository", common("renamed", changes={"repository": {"name": {"from": "store"}}}))
    assert isinstance(job, InstallationJob)
    assert (job.previous_repository, job.repositories) == ("octo/store", ("octo/shop",))
    assert "publicized" in reason("repository", common("publicized"))


@pytest.mark.parametrize("action", ["deleted", "archived"])
def test_a_repository_that_is_deleted_or_archived_counts_as_out_of_reach(action: str) -> None:
    job = decided("repository", common(action))
    assert isinstance(job, InstallationJob)
    assert (job.change, job.repositories) == ("removed", ("octo/shop",))


def test_accounts_that_the_operator_does_not_serve_get_no_jobs() -> None:
    rules = Rules(redact=str, allowed_owners=frozenset({"Acme"}))
    installation = {"id": 77, "account": {"login": "octo", "id": 1}}
    assert "QUORUM_ALLOWED_OWNERS" in reason("pull_request", pull_request("opened"), rules)
    created: Json = {"action": "created", "installation": installation}
    assert "QUORUM_ALLOWED_OWNERS" in reason("installation", created, rules)
    served = Rules(redact=str, allowed_owners=frozenset({"OCTO"}))
    assert isinstance(decided("pull_request", pull_request("opened"), served), ReviewJob)


def test_a_repositorys_own_webhook_is_ignored() -> None:
    body = pull_request("opened")
    del body["installation"]
    assert "no installation" in reason("pull_request", body)


@pytest.mark.parametrize("event", ["ping", "push", "star", "workflow_run", "an_event_of_next_year"])
def test_other_events_are_ignored_with_their_name(event: str) -> None:
    assert event in reason(event, {"zen": "Keep it logically awesome."})


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("pull_request", issue_comment("/rereview")),
        ("issue_comment", pull_request("opened")),
        ("check_run", pull_request("opened")),
        ("installation", pull_request("opened")),
        ("merge_group", {}),
        ("pull_request", common("opened", pull_request=None)),
    ],
)
def test_a_body_of_another_event_is_invalid(event: str, body: Json) -> None:
    with pytest.raises(ValidationError):
        decide(delivery(event), body, RULES)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("installation", "id"), 2**63),
        (("installation", "id"), -1),
        (("installation", "id"), True),
        (("installation", "id"), 1.5),
        (("repository", "full_name"), "octo/shop/../x"),
        (("repository", "full_name"), "octo"),
        (("repository", "full_name"), "octo/sh\x00op"),
        (("pull_request", "number"), 0),
        (("pull_request", "number"), 2**31),
        (("pull_request", "head", "sha"), "HEAD"),
        (("pull_request", "head", "sha"), HEAD + "\n"),
        (("sender", "login"), "mo\nna"),
    ],
)
def test_values_that_github_does_not_send_are_invalid(path: tuple[str, ...], value: object) -> None:
    body = pull_request("opened")
    place: Any = body
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ValidationError):
        decide(delivery("pull_request"), body, RULES)


@pytest.mark.parametrize("kind", ["user", "organization"])
def test_the_job_of_a_transferred_repository_names_the_old_owner(kind: str) -> None:
    body = {
        "action": "transferred",
        "repository": {"full_name": "octo/shop"},
        "sender": {"login": "alice", "id": 1},
        "installation": {"id": 7},
        "changes": {"owner": {"from": {kind: {"login": "acme", "id": 2}}}},
    }
    job = decide(
        Delivery(guid="g", event="repository", action="transferred", received_at=datetime.now(UTC)),
        body,
        Rules(redact=str),
    )
    assert isinstance(job, InstallationJob)
    assert (job.previous_repository, job.repositories) == ("acme/shop", ("octo/shop",))
