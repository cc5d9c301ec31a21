"""The closed vocabulary of `rule_id`, each with its CWE and family. Models cannot add to it.

A family groups ids that name the same defect in different words, so that a fingerprint does not depend on the choice.
Models choose by the titles, so each title states what distinguishes the rule from similar ones.
CWE numbers: https://cwe.mitre.org/
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its id, its CWE (None if none fits), its family and a one-line title."""

    id: str
    cwe: str | None
    family: str
    title: str


OTHER = "other"

RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        Rule("sql-injection", "CWE-89", "injection", "SQL built from input"),
        Rule("nosql-injection", "CWE-943", "injection", "NoSQL query built from input"),
        Rule("command-injection", "CWE-78", "injection", "Shell command built from input"),
        Rule("code-injection", "CWE-94", "injection", "Input runs as code: eval, exec, a loaded module"),
        Rule("template-injection", "CWE-1336", "injection", "Template built from input"),
        Rule("ldap-injection", "CWE-90", "injection", "LDAP filter built from input"),
        Rule("xpath-injection", "CWE-643", "injection", "XPath built from input"),
        Rule("log-injection", "CWE-117", "injection", "Log line built from input"),
        Rule("header-injection", "CWE-113", "injection", "HTTP header built from input"),
        Rule("xss", "CWE-79", "xss", "Input reaches a page unescaped"),
        Rule("path-traversal", "CWE-22", "path", "Input chooses a path outside its folder"),
        Rule("open-redirect", "CWE-601", "redirect", "Redirect target from input"),
        Rule("ssrf", "CWE-918", "ssrf", "Request target from input"),
        Rule("xxe", "CWE-611", "xml", "External XML entities are resolved"),
        Rule("csrf", "CWE-352", "csrf", "State changes without a CSRF check"),
        Rule("prototype-pollution", "CWE-1321", "injection", "Object prototype written from input"),
        Rule("regex-dos", "CWE-1333", "resource", "Regular expression with exponential time"),
        Rule("insecure-deserialization", "CWE-502", "deserialization", "Untrusted data deserialised"),
        Rule("unsafe-file-upload", "CWE-434", "path", "Uploaded file of any type, name or size is accepted"),
        Rule("missing-authorization", "CWE-862", "authorization", "No check whether this caller may do this at all: role, permission"),
        Rule("broken-access-control", "CWE-639", "authorization", "The caller's id or key selects another's object; nobody checks whose it is"),
        Rule("missing-authentication", "CWE-306", "authentication", "Anyone can call it: no login is asked for"),
        Rule("weak-authentication", "CWE-287", "authentication", "The login that is there can be got round"),
        Rule("hardcoded-secret", "CWE-798", "secret", "Secret in the code"),
        Rule("sensitive-data-exposure", "CWE-200", "exposure", "Data reaches who must not see it, without asking for another's id or key"),
        Rule("sensitive-data-in-log", "CWE-532", "exposure", "Secret or personal data is logged"),
        Rule("weak-crypto", "CWE-327", "crypto", "Broken cipher, mode, key or protocol"),
        Rule("weak-hash", "CWE-328", "crypto", "Broken hash where it must not be forged, or a fast one for passwords"),
        Rule("weak-random", "CWE-338", "crypto", "Predictable random numbers for a secret"),
        Rule("tls-verification-disabled", "CWE-295", "crypto", "Certificate is not verified"),
        Rule("timing-attack", "CWE-208", "crypto", "Comparison leaks by its time"),
        Rule("insecure-configuration", "CWE-16", "configuration", "Protection switched off or left open: debug, CORS, headers"),
        Rule("insecure-permissions", "CWE-732", "configuration", "File, role or token may do more than it needs"),
        Rule("workflow-injection", "CWE-94", "workflow", "CI workflow can be taken over"),
        Rule("vulnerable-dependency", "CWE-1395", "dependency", "Dependency with a known flaw"),
        Rule("hidden-characters", "CWE-1007", "hidden", "Characters that a reader cannot see"),
        Rule("prompt-injection", "CWE-1427", "hidden", "Text that tries to instruct a reviewer"),
        Rule("input-validation", "CWE-20", "validation", "Input is taken without a check, and no id says what it does"),
        Rule("mass-assignment", "CWE-915", "validation", "Fields written from input without a list"),
        Rule("integer-overflow", "CWE-190", "numeric", "Number beyond its type's range wraps or panics"),
        Rule("division-by-zero", "CWE-369", "numeric", "Division by zero"),
        Rule("precision-loss", "CWE-681", "numeric", "A number's type, rounding or cast loses part of it, whatever goes wrong then"),
        Rule("buffer-overflow", "CWE-120", "memory", "Write beyond a buffer"),
        Rule("out-of-bounds", "CWE-125", "memory", "Read or index beyond the end"),
        Rule("use-after-free", "CWE-416", "memory", "Use after free"),
        Rule("off-by-one", "CWE-193", "boundary", "Boundary wrong by one: first or last item, page, <= for <"),
        Rule("null-dereference", "CWE-476", "null", "Missing value (null, None, nil) is used as if it were there"),
        Rule("uninitialized-value", "CWE-908", "null", "Value used before it is set"),
        Rule("logic-error", "CWE-840", "logic", "Computes or does the wrong thing, and no other id says how"),
        Rule("wrong-condition", "CWE-697", "logic", "What an if, loop or filter tests is wrong: operand, operator or sense"),
        Rule("wrong-operator", "CWE-480", "logic", "Outside any test, one operator, variable or constant stands for another"),
        Rule("unreachable-code", "CWE-561", "logic", "Code that never runs"),
        Rule("infinite-loop", "CWE-835", "logic", "Loop without an end"),
        Rule("unhandled-error", "CWE-755", "error-handling", "Error that will occur is not caught: it crashes the caller"),
        Rule("swallowed-error", "CWE-390", "error-handling", "Error is caught and dropped: nobody learns of it"),
        Rule("wrong-error-handling", "CWE-703", "error-handling", "Error is caught or returned, then answered wrongly: success, status, retry"),
        Rule("resource-leak", "CWE-772", "resource", "File, connection, lock or thread is not released"),
        Rule("memory-leak", "CWE-401", "resource", "Entries, listeners or timers are never removed"),
        Rule("resource-exhaustion", "CWE-400", "resource", "A caller can make it use time, memory or space without a limit"),
        Rule("missing-timeout", "CWE-1088", "resource", "Wait without a limit"),
        Rule("race-condition", "CWE-362", "concurrency", "What was checked changes before the act on it; no value is written back"),
        Rule("deadlock", "CWE-833", "concurrency", "Locks or waits that block each other for ever"),
        Rule("missing-await", "CWE-662", "concurrency", "Asynchronous result is not awaited"),
        Rule("blocking-call", "CWE-1322", "concurrency", "Blocking call in asynchronous code"),
        Rule("shared-mutable-state", "CWE-567", "concurrency", "Object that breaks when used at once by several threads or calls"),
        Rule("non-atomic-update", "CWE-366", "concurrency", "Value read, changed, written back: another's update is lost, or half stays"),
        Rule("data-loss", None, "data", "The code deletes or overwrites what it must keep; each call is right"),
        Rule("migration-risk", None, "data", "Migration that locks, fails or loses on real data"),
        Rule("api-misuse", "CWE-628", "api", "Call breaks the contract of what it calls: argument, order, lifetime"),
        Rule("type-error", "CWE-843", "api", "Value of another type than the code takes"),
        Rule("undefined-name", "CWE-457", "api", "Name is not defined"),
        Rule("breaking-change", None, "api", "Callers outside the change stop working"),
        Rule("deprecated-api", "CWE-477", "api", "Function is deprecated"),
        Rule("performance", "CWE-1050", "performance", "Slow where it matters"),
        Rule("n-plus-one", "CWE-1049", "performance", "One query for each row"),
        Rule("missing-test", None, "test", "Behaviour without a test"),
        Rule("wrong-test", None, "test", "Test that cannot fail"),
        Rule("missing-documentation", "CWE-1059", "documentation", "Public name without documentation"),
        Rule("wrong-documentation", "CWE-1116", "documentation", "Documentation says something else than the code does"),
        Rule("maintainability", None, "maintainability", "Hard to change safely"),
        Rule(OTHER, None, "other", "Something else"),
    )
}  # fmt: skip


# Not in `RULES`: models see it only if the pull request names an issue, so that all other questions stay the same.
INTENT_MISMATCH = Rule("intent-mismatch", None, "intent", "The change does not do what its issue asks for")
ALL_RULES = {**RULES, INTENT_MISMATCH.id: INTENT_MISMATCH}


def render_rules() -> str:
    """Render the vocabulary for models, one `id: title` per line."""
    return "\n".join(f"{rule.id}: {rule.title}" for rule in RULES.values())


def rule_for(rule_id: str) -> Rule:
    """Return the rule with this id, or `other` for an id outside of the vocabulary."""
    return ALL_RULES.get(_as_id(rule_id), RULES[OTHER])


def own_word(rule_id: str) -> str:
    """Return a model's word for a rule outside of the vocabulary if it reads like an id; otherwise empty."""
    word = _as_id(rule_id)
    return word if word not in RULES and len(word) <= MAX_WORD and _WORD.fullmatch(word) else ""


MAX_WORD = 40
_WORD = re.compile(r"[a-z]+(?:-[a-z]+){0,5}")  # no digits: never a key


def _as_id(rule_id: str) -> str:
    return rule_id.strip().lower().replace("_", "-").replace(" ", "-")
