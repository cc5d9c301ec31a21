"""Every table of Quorum's own. What is written here has been redacted by its caller: never a diff, never a prompt.

Ids of GitHub are 64 bits wide. Moments are UTC. `model_calls`, `reviews` and `findings` are part of the contract:
their columns may be added to, never renamed. The engine (DBOS) keeps its own tables beside these.
"""

from app.store.tables.calls import CachedAnswerRow, CallSlotRow, CircuitRow, ModelCallRow, SpendRow, day_of
from app.store.tables.jobs import DeliveryRow, LeaseRow, WriteRow
from app.store.tables.memory import (
    ConversationTurnRow,
    InstallationRow,
    LearnedRuleRow,
    PullRequestRow,
    SecretRow,
)
from app.store.tables.reviews import FindingRow, RejectionRow, ReviewRow, StageResultRow
from app.store.tables.row import Row, table_of

__all__ = [
    "CachedAnswerRow",
    "CallSlotRow",
    "CircuitRow",
    "ConversationTurnRow",
    "DeliveryRow",
    "FindingRow",
    "InstallationRow",
    "LearnedRuleRow",
    "LeaseRow",
    "ModelCallRow",
    "PullRequestRow",
    "RejectionRow",
    "ReviewRow",
    "Row",
    "SecretRow",
    "SpendRow",
    "StageResultRow",
    "WriteRow",
    "day_of",
    "table_of",
]
