import hashlib
import hmac


def sign(secret: bytes, body: bytes) -> str:
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def is_valid(secret: bytes, body: bytes, signature: str | None) -> bool:
    """Whether the header's value is the signature of the body."""
    if not signature:
        return False
    return sign(secret, body) == signature.strip().lower()
