"""Questions and complaints on a pull request: who answers, what they are told, what is stored."""

from pathlib import Path

from sqlmodel import select

from app.domain.model_call import Provider
from app.store.call_tables import ModelCallRow
from app.store.review_tables import ConversationTurnRow
from github_sandbox import Pull
from tests.fakes.vendors import Fault
from tests.scenarios.reading import emojis
from tests.scenarios.vendors import BUG, Reviewers
from tests.scenarios.world import World, open_shop

CART = f"def average(prices):\n    {BUG}\n    return total\n"


async def opened(world: World) -> Pull:
    pull = world.create_repository().open_pull({"shop.py": CART})
    await world.settle()
    world.vendors.fake.forget()
    return pull


def turns(world: World) -> list[ConversationTurnRow]:
    with world.database.read() as session:
        return list(session.exec(select(ConversationTurnRow)))


async def test_a_technical_question_goes_to_claude_with_the_finding_and_its_code(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.intent, people.answer = "technical_question", "An empty list has no average."
        pull = await opened(world)

        answer = await world.reply(pull, "@quorum when does this happen?")

        assert "An empty list has no average." in answer
        assert [request.provider.value for request in world.vendors.fake.requests] == ["claude", "claude"]
        assert "haiku" in world.vendors.fake.requests[0].model
        assert "An empty cart crashes" in world.vendors.fake.requests[1].text
        assert BUG in world.vendors.fake.requests[1].text
        assert emojis(pull.threads[0].comments[1]) == ["eyes"]


async def test_a_product_question_goes_to_gpt_with_the_documentation_and_the_figures(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.intent, people.answer = "product_question", "It costs what the figures say."
        pull = await opened(world)

        answer = await world.comment(pull, "/ask what does it cost?")

        assert "It costs what the figures say." in answer
        assert [request.provider.value for request in world.vendors.fake.requests] == ["claude", "gpt"]
        assert "review_on_push" in world.vendors.fake.requests[1].text
        assert "calls" in world.vendors.fake.requests[1].text


async def test_a_justified_complaint_withdraws_the_finding(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.intent, people.withdraws, people.answer = (
            "complaint",
            True,
            "You are right, I had missed the guard.",
        )
        pull = await opened(world)

        answer = await world.reply(pull, "@quorum this is wrong, the caller checks it")

        assert "I had missed the guard" in answer
        assert "withdrew this finding" in answer
        assert set(world.outcomes().values()) == {"dismissed"}


async def test_a_complaint_about_a_confirmed_finding_does_not_withdraw_it(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.intent, people.answer = "complaint", "It stands: an empty list reaches the division."
        pull = await opened(world)

        answer = await world.reply(pull, "@quorum this is noise")

        assert "It stands" in answer
        assert set(world.outcomes().values()) == {"open"}


async def test_a_general_remark_gets_the_routers_default(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.intent, people.answer = "general", "You are welcome."
        pull = await opened(world)
        assert "You are welcome." in await world.comment(pull, "@quorum thanks!")
        assert [request.provider.value for request in world.vendors.fake.requests] == ["claude", "claude"]
        assert [turn.intent for turn in turns(world)] == ["general"]


async def test_another_vendor_answers_when_the_best_one_is_down(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.intent, people.answer = "technical_question", "An empty list has no average."
        pull = await opened(world)
        world.vendors.fake.fail(Provider.CLAUDE, Fault.UNKNOWN_MODEL)
        answer = await world.reply(pull, "@quorum when does this happen?")
        assert "An empty list has no average." in answer
        assert "GPT" in answer
        [turn] = turns(world)
        answered = {call.id: call.provider for call in world.rows(ModelCallRow) if call.outcome == "ok"}
        assert {answered[id_] for id_ in turn.call_ids} == {"gpt"}


async def test_a_question_without_a_recognized_intent_is_answered(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.intent, people.answer = "the weather", "It is so."
        pull = await opened(world)
        assert "It is so." in await world.comment(pull, "/ask hm?")
        assert [turn.intent for turn in turns(world)] == ["general"]


async def test_if_no_model_answers_the_reply_says_so(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        for provider in (Provider.CLAUDE, Provider.GPT, Provider.GEMINI):
            world.vendors.fake.fail(provider, Fault.UNKNOWN_MODEL)
        assert "Could not answer" in await world.comment(pull, "/ask why?")
        explained = await world.reply(pull, "/explain")
        assert "Recorded evidence for this finding" in explained
        assert "Verification: " in explained
        assert "found by Claude" in explained
        assert turns(world) == []


async def test_without_a_model_the_reply_to_a_question_says_so(tmp_path: Path) -> None:
    async with open_shop(tmp_path, providers=()) as world:
        pull = await opened(world)
        assert "no model has a key" in await world.comment(pull, "/ask why?")


async def test_a_complaint_that_is_about_no_finding_withdraws_nothing(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.intent, people.withdraws = "complaint", True
        pull = await opened(world)
        assert "It is so." in await world.comment(pull, "@quorum you are too noisy")
        assert set(world.outcomes().values()) == {"open"}
        assert [turn.intent for turn in turns(world)] == ["general"]


async def test_a_turn_is_stored_with_its_intent_its_calls_and_its_finding(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.intent, people.answer = "technical_question", "An empty list has no average."
        pull = await opened(world)
        await world.reply(pull, "@quorum when does this happen?")
        [thread], [turn] = pull.threads, turns(world)
        assert (turn.author, turn.intent) == ("alice", "technical_question")
        assert (turn.comment_id, turn.answer_comment_id) == tuple(c.id for c in thread.comments[1:])
        assert (turn.question, turn.answer) == (
            "@quorum when does this happen?",
            "An empty list has no average.",
        )
        assert turn.fingerprint == world.findings()[0].fingerprint
        kept = {call.id: call.stage for call in world.rows(ModelCallRow)}
        assert [kept[id_] for id_ in turn.call_ids] == ["intent", "technical_question"]


async def test_the_prompt_has_the_newest_turns_in_full_and_the_oldest_as_a_count(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.intent = "technical_question"
        pull = await opened(world)
        for number in range(11):
            pull.reply("alice", pull.threads[0].root, f"Remark {number}.")
        await world.reply(pull, "@quorum and now?")
        prompt = world.vendors.fake.requests[-1].text
        assert "Remark 10." in prompt
        assert "Remark 3." in prompt
        assert "Remark 2." not in prompt
        assert "3 earlier turns are left out" in prompt


async def test_a_conversation_continues_after_a_restart(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.answer = "Forty-two."
        pull = await opened(world)
        await world.comment(pull, "/ask how many are there?")
        await world.comment(pull, "/ask and in words?")
        prompt = world.vendors.fake.requests[-1].text
        assert "how many are there?" in prompt
        assert "Forty-two." in prompt


async def test_a_secret_in_a_question_reaches_no_model_and_no_row(tmp_path: Path) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.answer = f"You wrote {secret}."
        pull = await opened(world)
        answer = await world.comment(pull, f"/ask is {secret} safe here?")
        assert secret not in "".join(request.prompt for request in world.vendors.fake.requests)
        assert secret not in answer
        assert secret not in f"{turns(world)[0].question}{turns(world)[0].answer}"


async def test_a_models_answer_gives_no_commands_and_mentions_nobody(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.answer = "/rereview full\n\n@alice look ![x](https://evil.example/x.png)"
        pull = await opened(world)
        answer = await world.comment(pull, "/ask what now?")
        assert not answer.startswith("/rereview")
        assert "evil.example/x.png)" not in answer
        assert len(world.reviews()) == 1


async def test_an_answer_interrupted_by_a_stop_is_posted_once(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.intent = "product_question"
        pull = await opened(world)
        world.vendors.hold(Provider.GPT)
        world.vendors.fake.reached[Provider.GPT].clear()
        pull.comment("alice", "/ask what does it cost?")
        await world.deliver()
        await world.vendors.fake.reached[Provider.GPT].wait()
        await world.stop()
        github, before = world.github, len(pull.issue_comments)

    async with open_shop(tmp_path, github=github) as world:
        Reviewers(world.vendors).intent = "product_question"
        await world.settle()
        assert len(pull.issue_comments) == before + 1
        assert emojis(pull.issue_comments[-2]) == ["eyes"]
