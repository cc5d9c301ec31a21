"""What the SDKs of Anthropic and OpenAI have in common: one generator made both, with errors of the same names. Imports neither.

https://www.stainless.com/docs/sdks/python
"""

from functools import partial
from types import ModuleType
from typing import Any

from app.domain.model_call import Provider
from app.llm.faults import Failure, parse_retry_after
from app.llm.wire import SdkErrors


def stainless_errors(provider: Provider, sdk: ModuleType, base: type[Exception]) -> SdkErrors:
    """What such an SDK raises; `base` is the class of all its errors."""
    return SdkErrors(
        timeout=(sdk.APITimeoutError,),
        status=(sdk.APIStatusError,),
        failure=partial(_failure, provider),
        connection=(sdk.APIConnectionError,),
        set_up=(ImportError,),  # AWS credentials other than a token need `anthropic[bedrock]`
        no_answer=(ValueError, base),  # broken JSON is a bare ValueError
    )


def _failure(provider: Provider, error: Any) -> Failure:  # noqa: ANN401 - either SDK's APIStatusError
    """`error_code` is Anthropic's, `code` OpenAI's."""
    code = getattr(error, "error_code", None) or getattr(error, "code", None)
    return Failure(
        provider=provider,
        status=error.status_code,
        code=code or error.type,
        said=str(error.body),
        retry_after_s=parse_retry_after(error.response.headers),
        request_id=error.request_id,
    )
