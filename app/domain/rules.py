"""The closed vocabulary of `rule_id`: each with its CWE and its family. Never grows from a model's words.

Families join ids that name one defect in different words, so that a fingerprint survives the choice of name.
CWE numbers: https://cwe.mitre.org/
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry: what it is called, its CWE (None where none fits), its family and a line for people."""

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
        Rule("code-injection", "CWE-94", "injection", "Code built from input"),
        Rule("template-injection", "CWE-1336", "injection", "Template built from input"),
        Rule("ldap-injection", "CWE-90", "injection", "LDAP filter built from input"),
        Rule("xpath-injection", "CWE-643", "injection", "XPath built from input"),
        Rule("log-injection", "CWE-117", "injection", "Log line built from input"),
        Rule("header-injection", "CWE-113", "injection", "HTTP header built from input"),
        Rule("xss", "CWE-79", "xss", "HTML built from input"),
        Rule("path-traversal", "CWE-22", "path", "Path built from input"),
        Rule("open-redirect", "CWE-601", "redirect", "Redirect target from input"),
        Rule("ssrf", "CWE-918", "ssrf", "Request target from input"),
        Rule("xxe", "CWE-611", "xml", "External XML entities are resolved"),
        Rule("csrf", "CWE-352", "csrf", "State changes without a CSRF check"),
        Rule("prototype-pollution", "CWE-1321", "injection", "Object prototype written from input"),
        Rule("regex-dos", "CWE-1333", "resource", "Regular expression with exponential time"),
        Rule("insecure-deserialization", "CWE-502", "deserialization", "Untrusted data deserialised"),
        Rule("unsafe-file-upload", "CWE-434", "path", "Uploaded file of any type is accepted"),
        Rule("missing-authorization", "CWE-862", "authorization", "No authorisation check"),
        Rule("broken-access-control", "CWE-639", "authorization", "Access by a key of the caller's choice"),
        Rule("missing-authentication", "CWE-306", "authentication", "No authentication"),
        Rule("weak-authentication", "CWE-287", "authentication", "Authentication can be passed"),
        Rule("hardcoded-secret", "CWE-798", "secret", "Secret in the code"),
        Rule("sensitive-data-exposure", "CWE-200", "exposure", "Data shown to who should not see it"),
        Rule("sensitive-data-in-log", "CWE-532", "exposure", "Sensitive data in a log"),
        Rule("weak-crypto", "CWE-327", "crypto", "Weak cryptography"),
        Rule("weak-hash", "CWE-328", "crypto", "Weak hash"),
        Rule("weak-random", "CWE-338", "crypto", "Predictable random numbers"),
        Rule("tls-verification-disabled", "CWE-295", "crypto", "Certificate is not verified"),
        Rule("timing-attack", "CWE-208", "crypto", "Comparison leaks by its time"),
        Rule("insecure-configuration", "CWE-16", "configuration", "Insecure setting"),
        Rule("insecure-permissions", "CWE-732", "configuration", "Permissions too wide"),
        Rule("workflow-injection", "CWE-94", "workflow", "CI workflow can be taken over"),
        Rule("vulnerable-dependency", "CWE-1395", "dependency", "Dependency with a known flaw"),
        Rule("hidden-characters", "CWE-1007", "hidden", "Characters that a reader cannot see"),
        Rule("prompt-injection", "CWE-1427", "hidden", "Text that tries to instruct a reviewer"),
        Rule("input-validation", "CWE-20", "validation", "Input is not checked"),
        Rule("mass-assignment", "CWE-915", "validation", "Fields written from input without a list"),
        Rule("integer-overflow", "CWE-190", "numeric", "Number out of its range"),
        Rule("division-by-zero", "CWE-369", "numeric", "Division by zero"),
        Rule("precision-loss", "CWE-681", "numeric", "Precision is lost"),
        Rule("buffer-overflow", "CWE-120", "memory", "Write beyond a buffer"),
        Rule("out-of-bounds", "CWE-125", "memory", "Access beyond the bounds"),
        Rule("use-after-free", "CWE-416", "memory", "Use after free"),
        Rule("off-by-one", "CWE-193", "boundary", "Off by one"),
        Rule("null-dereference", "CWE-476", "null", "Missing value is used"),
        Rule("uninitialized-value", "CWE-908", "null", "Value used before it is set"),
        Rule("logic-error", "CWE-840", "logic", "Logic does not do what it is for"),
        Rule("wrong-condition", "CWE-697", "logic", "Condition is wrong"),
        Rule("wrong-operator", "CWE-480", "logic", "Wrong operator"),
        Rule("unreachable-code", "CWE-561", "logic", "Code that never runs"),
        Rule("infinite-loop", "CWE-835", "logic", "Loop without an end"),
        Rule("unhandled-error", "CWE-755", "error-handling", "Error is not handled"),
        Rule("swallowed-error", "CWE-390", "error-handling", "Error is silently dropped"),
        Rule("wrong-error-handling", "CWE-703", "error-handling", "Error is handled wrongly"),
        Rule("resource-leak", "CWE-772", "resource", "Resource is not released"),
        Rule("memory-leak", "CWE-401", "resource", "Memory is not released"),
        Rule("resource-exhaustion", "CWE-400", "resource", "Resource use without a limit"),
        Rule("missing-timeout", "CWE-1088", "resource", "Wait without a limit"),
        Rule("race-condition", "CWE-362", "concurrency", "Race"),
        Rule("deadlock", "CWE-833", "concurrency", "Deadlock"),
        Rule("missing-await", "CWE-662", "concurrency", "Asynchronous result is not awaited"),
        Rule("blocking-call", "CWE-1322", "concurrency", "Blocking call in asynchronous code"),
        Rule("shared-mutable-state", "CWE-567", "concurrency", "Shared state is changed"),
        Rule("non-atomic-update", "CWE-366", "concurrency", "Update that can be lost"),
        Rule("data-loss", None, "data", "Data can be lost"),
        Rule("migration-risk", None, "data", "Migration that can hurt"),
        Rule("api-misuse", "CWE-628", "api", "Function is used wrongly"),
        Rule("type-error", "CWE-843", "api", "Value of the wrong type"),
        Rule("undefined-name", "CWE-457", "api", "Name is not defined"),
        Rule("breaking-change", None, "api", "Callers break"),
        Rule("deprecated-api", "CWE-477", "api", "Function is deprecated"),
        Rule("performance", "CWE-1050", "performance", "Slow where it matters"),
        Rule("n-plus-one", "CWE-1049", "performance", "One query for each row"),
        Rule("missing-test", None, "test", "Behaviour without a test"),
        Rule("wrong-test", None, "test", "Test that cannot fail"),
        Rule("missing-documentation", "CWE-1059", "documentation", "Public name without documentation"),
        Rule("wrong-documentation", "CWE-1116", "documentation", "Documentation says something else"),
        Rule("maintainability", None, "maintainability", "Hard to change safely"),
        Rule(OTHER, None, "other", "Something else"),
    )
}


def rule_for(rule_id: str) -> Rule:
    """The rule with this id; names outside the vocabulary are `other`."""
    return RULES.get(rule_id.strip().lower().replace("_", "-").replace(" ", "-"), RULES[OTHER])
