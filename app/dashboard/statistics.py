"""How sure a share is. Pure."""

import math

Z = 1.96  # 95 %


def wilson_interval(part: int, whole: int) -> tuple[float, float] | None:
    """The 95 % interval of a share, right also for few cases and at 0 and 1; None without a case.

    https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval
    """
    if whole == 0:
        return None
    share = part / whole
    centre = share + Z * Z / (2 * whole)
    spread = Z * math.sqrt(share * (1 - share) / whole + Z * Z / (4 * whole * whole))
    scale = 1 + Z * Z / whole
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
