"""Reading over git's smart HTTP: `git fetch` with an installation token as the password of user `x-access-token`.

https://git-scm.com/docs/http-protocol and https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation
Never writes: pushing is refused.
"""

import asyncio
import gzip
import os
import re

from starlette.responses import Response

from github_sandbox.call import Call, Endpoint
from github_sandbox.errors import ApiError
from github_sandbox.git import ENVIRONMENT

_SERVICE = "git-upload-pack"


async def advertise_refs(call: Call) -> Response:
    """The first request of a fetch."""
    if call.query.get("service") != _SERVICE:
        raise ApiError(403, "Pushing is not possible here")
    refs = await _upload_pack(call, b"", "--advertise-refs")
    line = f"# service={_SERVICE}\n".encode()
    body = b"%04x%s0000%s" % (len(line) + 4, line, refs)
    if "version=2" in call.request.headers.get("git-protocol", ""):
        body = refs
    return Response(body, media_type=f"application/x-{_SERVICE}-advertisement")


async def upload_pack(call: Call) -> Response:
    """What was asked for, as a pack."""
    body = call.raw_body
    if call.request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    pack = _refusal(call, body) or await _upload_pack(call, body)
    return Response(pack, media_type=f"application/x-{_SERVICE}-result")


def _refusal(call: Call, body: bytes) -> bytes | None:
    """Protocol 2 serves every object that is there; a commit that a force-push left behind shall be gone."""
    for wanted in re.findall(rb"want ([0-9a-f]{40})", body):
        sha = wanted.decode()
        if not call.repository.git.is_served(sha):
            said = f"ERR upload-pack: not our ref {sha}".encode()
            return b"%04x%s" % (len(said) + 4, said)
    return None


async def _upload_pack(call: Call, body: bytes, *options: str) -> bytes:
    if call.actor.kind == "anonymous" and call.hub.repository(_name(call)).private:
        raise ApiError(401, "Requires authentication", headers={"www-authenticate": 'Basic realm="GitHub"'})
    process = await asyncio.create_subprocess_exec(
        "git", "upload-pack", "--stateless-rpc", *options, str(call.repository.git.path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**ENVIRONMENT, "GIT_PROTOCOL": call.request.headers.get("git-protocol", "")},
        cwd=os.sep,
    )  # fmt: skip
    out, err = await process.communicate(body)
    if process.returncode and not out:
        raise ApiError(500, err.decode("utf-8", "replace"))
    return out


def _name(call: Call) -> str:
    return f"{call.text('owner')}/{call.text('repo')}"


ENDPOINTS = tuple(
    Endpoint(method, f"/{{owner}}/{{repo}}{suffix}/{tail}", handler, "contents:read")
    for suffix in (".git", "")
    for method, tail, handler in (
        ("GET", "info/refs", advertise_refs),
        ("POST", _SERVICE, upload_pack),
    )
)
