"""A pytest plugin that counts the frames of the product on its main paths.

`scripts/structure.py --frames` loads it. It prints the shortest stack seen on each path (to the inbox, the longest), outermost
frame first. A stack belongs to one task: `run_stage` starts a task for each chunk, so that path begins inside the task.
"""

import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

import pytest

ROOT = Path.cwd().as_posix()
PRODUCT = (f"{ROOT}/app/", f"{ROOT}/webhooks/")
ENGINE = f"{ROOT}/app/engine/"
SDKS = ("/anthropic/", "/openai/", "/google/genai/")
FROM_A_STAGE = "from a stage to the SDK"
TO_REVIEWS = "from the job to POST …/reviews"
TO_INBOX = "from webhook bytes to the engine's inbox"

_stacks: dict[str, tuple[str, ...]] = {}


def product_frames(frame: FrameType | None) -> list[str]:
    """Frames of the product below `frame`, outermost first, as `path:function`."""
    names: list[str] = []
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(PRODUCT):
            names.append(f"{path.removeprefix(f'{ROOT}/')}:{frame.f_code.co_name}")
        frame = frame.f_back
    return names[::-1]


def _keep(end: str, frames: Sequence[str]) -> None:
    if frames and (end not in _stacks or len(frames) < len(_stacks[end])):
        _stacks[end] = tuple(frames)


def _from_stage(frames: Sequence[str]) -> Sequence[str]:
    starts = [at for at, name in enumerate(frames) if name.startswith("app/stages/")]
    return frames[starts[0] :] if starts else ()


def _profile(frame: FrameType, event: str, argument: object) -> None:
    del argument
    if event != "call":
        return
    path, name = frame.f_code.co_filename, frame.f_code.co_name
    caller = frame.f_back.f_code.co_filename if frame.f_back else ""
    if name == "handle_async_request" and "/httpx/" in path:
        _profile_request(frame)
    elif (
        caller.startswith(PRODUCT)
        and any(sdk in path for sdk in SDKS)
        and name in ("create", "generate_content")
    ):
        _keep(FROM_A_STAGE, _from_stage(product_frames(frame.f_back)))
    elif path.startswith(ENGINE):
        frames = product_frames(frame)
        if frames[0].startswith("webhooks/") and len(frames) > len(_stacks.get(TO_INBOX, ())):
            _stacks[TO_INBOX] = tuple(frames)


def _profile_request(frame: FrameType) -> None:
    request = frame.f_locals.get("request")
    if getattr(request, "method", "") == "POST" and str(getattr(request, "url", "")).endswith("/reviews"):
        _keep(TO_REVIEWS, product_frames(frame.f_back))


def stacks() -> Mapping[str, Sequence[str]]:
    """The stack kept so far for each path."""
    return _stacks


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    """Start profiling in every thread."""
    threading.setprofile(_profile)
    sys.setprofile(_profile)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Print the stacks."""
    sys.setprofile(None)
    for end, frames in stacks().items():
        sys.stdout.write(f"\n{end}: {len(frames)} frames\n")
        sys.stdout.writelines(f"    {frame}\n" for frame in frames)
