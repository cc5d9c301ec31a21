"""The schema of `.github/quorum.yml`, as pydantic models: names, types, bounds, and the descriptions of docs/quorum.schema.json."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.domain.configuration import Fixes, Gate, Pipeline, Profile, Publish, RepositoryConfig, Routing
from app.domain.finding import Severity, Stage
from app.domain.model_call import NAME_PATTERN

MAX_PATTERNS = 100
MAX_OVERRIDES = 50
_Pattern = Annotated[str, StringConstraints(min_length=1, max_length=256)]
_Patterns = Annotated[tuple[_Pattern, ...], Field(max_length=MAX_PATTERNS)]
_ProviderName = Annotated[str, StringConstraints(pattern=rf"^{NAME_PATTERN}$")]
_Usd = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]

_D = RepositoryConfig()


class PathInstructionItem(BaseModel):
    """Instructions for files that match a glob."""

    model_config = ConfigDict(extra="forbid")

    path: _Pattern
    instructions: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]


class OverrideItem(BaseModel):
    """Settings of files that match one of the globs; the most specific glob wins, for each setting by itself."""

    model_config = ConfigDict(extra="forbid")

    paths: Annotated[tuple[_Pattern, ...], Field(min_length=1, max_length=MAX_PATTERNS)]
    profile: Profile | None = Field(default=None, description="How many inline comments to write.")
    min_severity: Severity | None = Field(default=None, description="Hide findings below this severity.")
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)] | None = Field(
        default=None, description="Stages that read these files."
    )
    instructions: Annotated[str, StringConstraints(min_length=1, max_length=2_000)] | None = Field(
        default=None, description="Instructions for these files."
    )
    gate: Gate | None = Field(default=None, description="The lowest severity that fails the check run.")


class BudgetItem(BaseModel):
    """Upper limits in USD; they can only lower the operator's limits."""

    model_config = ConfigDict(extra="forbid")

    review_usd: _Usd | None = Field(default=None, description="Limit per review.")
    pull_request_day_usd: _Usd | None = Field(default=None, description="Limit per pull request and day.")
    repository_month_usd: _Usd | None = Field(
        default=None, description="Limit per month for this repository."
    )


class ConfigurationFile(BaseModel):
    """`.github/quorum.yml`: how Quorum reviews this repository. No key is required."""

    model_config = ConfigDict(extra="forbid", title="Quorum configuration")

    enabled: bool = Field(_D.enabled, description="If false, Quorum reviews no pull requests.")
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)] = Field(_D.stages, description="Stages to run.")
    providers: tuple[_ProviderName, ...] = Field(
        _D.providers,
        description="Vendors and servers that may see the code; `servers`: all named ones. `analyzers` only: no model.",
    )
    pipeline: Pipeline = Field(
        _D.pipeline, description="Run all stages in parallel, or docs last with the others' findings."
    )
    routing: Routing = Field(_D.routing, description="Order of the vendors: fixed or learned.")
    quorum: Literal[1, 2, 3] = Field(
        2, description="How many vendors must agree on a finding; 1 turns verification off."
    )
    finders: Literal["auto", 1, 2, 3] = Field("auto", description="Vendors that search; `auto`: by tier.")
    publish: Publish = Field(
        _D.publish, description="What to publish. `shadow`: dashboard and check runs only."
    )
    profile: Profile = Field(_D.profile, description="How many inline comments to write.")
    gate: Gate = Field(_D.gate, description="The lowest severity that fails the check run.")
    min_severity: Severity = Field(_D.min_severity, description="Hide findings below this severity.")
    max_inline: Annotated[int, Field(ge=0, le=100)] | None = Field(
        _D.max_inline,
        description="Maximum number of inline comments per review. If unset, the profile decides.",
    )
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9 ()-]{1,34}$")] = Field(
        _D.language, description="Language of all text, as a tag (de) or a name (German)."
    )
    tone: Annotated[str, StringConstraints(max_length=300)] = Field(
        _D.tone, description="Tone of the comments."
    )
    ignore_paths: _Patterns = Field(
        _D.ignore_paths, description="Files not to review, as globs like in .gitignore."
    )
    path_instructions: Annotated[tuple[PathInstructionItem, ...], Field(max_length=50)] = Field(
        (), description="Instructions for files that match a glob."
    )
    overrides: Annotated[tuple[OverrideItem, ...], Field(max_length=MAX_OVERRIDES)] = Field(
        (), description="Other settings for files that match a glob; the most specific glob wins."
    )
    ignore_authors: _Patterns = Field(
        _D.ignore_authors, description="Authors whose pull requests are not reviewed."
    )
    ignore_labels: _Patterns = Field(
        _D.ignore_labels, description="Labels of pull requests that are not reviewed."
    )
    ignore_branches: _Patterns = Field(
        _D.ignore_branches, description="Head branches that are not reviewed, as globs."
    )
    ignore_titles: _Patterns = Field(
        _D.ignore_titles, description="Pull requests with these words in the title are not reviewed."
    )
    drafts: bool = Field(_D.drafts, description="If true, Quorum also reviews drafts.")
    review_on_push: bool = Field(_D.review_on_push, description="If false, a push starts no review.")
    guidelines: Annotated[tuple[_Pattern, ...], Field(max_length=20)] = Field(
        _D.guidelines, description="Files at the base ref that describe the team's conventions."
    )
    guideline_characters: Annotated[int, Field(ge=500, le=40_000)] = Field(
        _D.guideline_characters,
        description="Characters of one guideline that models see; sections about the changed paths come first.",
    )
    docs_format: Literal["markdown", "openapi", "html"] = Field(
        "markdown", description="Format of the API documentation."
    )
    fixes: Fixes = Field(
        _D.fixes,
        description="What `/fix` does with a confirmed fix: show a patch, commit it, or open a pull request.",
    )
    budget: BudgetItem = Field(default=BudgetItem(), description="Spending limits in USD.")
