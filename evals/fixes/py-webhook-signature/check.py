import ast
from pathlib import Path

from hooks.signature import is_valid, sign

good = sign(b"k", b"body")
assert is_valid(b"k", b"body", good)
assert is_valid(b"k", b"body", f" {good.upper()} ")
for bad in (None, "", good[:-1], "0" * 64, "é" * 64, f"{good}00"):
    assert is_valid(b"k", b"body", bad) is False, bad
tree = ast.parse(Path("tree/hooks/signature.py").read_text())
valid = next(each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == "is_valid")
names = {node.attr if isinstance(node, ast.Attribute) else node.id for node in ast.walk(tree) if isinstance(node, (ast.Attribute, ast.Name))}
assert "compare_digest" in names
compared = [node for node in ast.walk(valid) if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Eq, ast.NotEq))]
assert not any("signature" in ast.unparse(node) and "len(" not in ast.unparse(node) for node in compared)
