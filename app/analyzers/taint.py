"""Follows values of a web request through one Python file into places where they do harm.

A small pass over the standard `ast`: assignments, string building, early-exit checks, and one summary a function, so
that a helper called with a request's value counts too. It never imports or runs the code. A file that Python cannot
parse has no flows. Runs in the worker process only: deep nesting can exhaust the parser's stack.
https://docs.python.org/3/library/ast.html
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from app.analyzers.guards import checked_names, dotted_name, is_harmless_type, is_negative, leaves
from app.analyzers.sinks import (
    SANITIZERS,
    SINK_RULES,
    SINKS,
    Sink,
    is_request_source,
    is_route_decorator,
)
from app.analyzers.values import Hit

TOOL = "taint"
REQUEST = "request"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Taint:
    """A value from outside: from where (`request` or a parameter's name), and where it was put into a text."""

    sources: frozenset[str]
    built_line: int | None = None

    def joined(self, other: "Taint | None") -> "Taint":
        """Both together."""
        if other is None:
            return self
        return Taint(self.sources | other.sources, self.built_line or other.built_line)


@dataclass(frozen=True, slots=True)
class Flow:
    """A value that reached a sink."""

    sink: Sink
    sources: frozenset[str]
    line: int


@dataclass(slots=True)
class Scope:
    """What is known inside one function while its statements are walked."""

    route: bool = False
    variables: dict[str, Taint] = field(default_factory=dict[str, Taint])
    flows: list[Flow] = field(default_factory=list[Flow])


def find_taint_hits(path: str, source: str) -> list[Hit]:
    """Every flow from a request to a sink.

    Raises:
        SyntaxError, ValueError, RecursionError: the file cannot be parsed.
    """
    pass_ = TaintPass(ast.parse(source))
    flows = {(flow.sink, flow.line) for flow in pass_.request_flows()}
    return [_hit(path, sink, line) for sink, line in sorted(flows, key=lambda one: (one[1], one[0].rule_id))]


class TaintPass:
    """One file. Functions are walked twice: first for their summaries, then with the summaries of the others."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
        self._summaries: dict[str, list[tuple[int, Flow]]] = {}
        for function in self._functions:
            self._summaries[function.name] = self._summary(function)

    def request_flows(self) -> Iterator[Flow]:
        """Flows that begin in a request, of the module and of every function."""
        module = Scope()
        self._walk([node for node in self._tree.body if not isinstance(node, Function)], module)
        for scope in (module, *(self._walk_function(function) for function in self._functions)):
            yield from (flow for flow in scope.flows if REQUEST in flow.sources)

    def _summary(self, function: Function) -> list[tuple[int, Flow]]:
        """Which parameter, by position, reaches which sink."""
        names = [argument.arg for argument in function.args.args]
        flows = self._walk_function(function).flows
        return [(names.index(one), flow) for flow in flows for one in flow.sources if one in names]

    def _walk_function(self, function: Function) -> Scope:
        route = any(is_route_decorator(decorator) for decorator in function.decorator_list)
        scope = Scope(route=route)
        arguments = function.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            if argument.arg not in {"self", "cls", "request"} and not is_harmless_type(argument.annotation):
                scope.variables[argument.arg] = Taint(frozenset({REQUEST if route else argument.arg}))
        self._walk(function.body, scope)
        return scope

    def _walk(self, statements: Iterable[ast.stmt], scope: Scope) -> None:
        for statement in statements:
            self._step(statement, scope)

    def _step(self, statement: ast.stmt, scope: Scope) -> None:
        match statement:
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                self._assignment(statement, scope)
            case ast.If():
                self._branch(statement, scope)
            case ast.For(target=target, iter=iterated) | ast.AsyncFor(target=target, iter=iterated):
                self._assign([target], self._taint(iterated, scope), scope)
                self._walk([*statement.body, *statement.orelse], scope)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                self._enter(items, scope)
                self._walk(statement.body, scope)
            case ast.Return(value=ast.expr() as value):
                self._returned(value, scope)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return
            case _:
                self._others(statement, scope)

    def _assignment(self, statement: ast.Assign | ast.AnnAssign | ast.AugAssign, scope: Scope) -> None:
        match statement:
            case ast.Assign(targets=targets, value=value):
                self._assign(targets, self._taint(value, scope), scope)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign([target], self._taint(value, scope), scope)
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                self._augment(name, value, scope)
            case _:
                self._others(statement, scope)

    def _others(self, statement: ast.stmt, scope: Scope) -> None:
        for child in ast.iter_child_nodes(statement):
            match child:
                case ast.expr():
                    self._taint(child, scope)
                case ast.stmt():
                    self._step(child, scope)
                case ast.ExceptHandler(body=body) | ast.match_case(body=body):
                    self._walk(body, scope)
                case _:
                    pass

    def _assign(self, targets: Sequence[ast.expr], taint: Taint | None, scope: Scope) -> None:
        for name in (
            node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)
        ):
            if taint is None:
                scope.variables.pop(name, None)
            else:
                scope.variables[name] = taint

    def _augment(self, name: str, value: ast.expr, scope: Scope) -> None:
        taint = self._taint(value, scope)
        if taint is not None:
            built = Taint(taint.sources, taint.built_line or value.lineno)
            scope.variables[name] = built.joined(scope.variables.get(name))

    def _enter(self, items: Iterable[ast.withitem], scope: Scope) -> None:
        for item in items:
            taint = self._taint(item.context_expr, scope)
            if item.optional_vars is not None:
                self._assign([item.optional_vars], taint, scope)

    def _branch(self, statement: ast.If, scope: Scope) -> None:
        """A check that leaves the function makes what it checks safe below; one that does not, inside."""
        self._taint(statement.test, scope)
        before = dict(scope.variables)
        checked = checked_names(statement.test)
        for name in checked if not is_negative(statement.test) else ():
            scope.variables.pop(name, None)
        self._walk(statement.body, scope)
        after_body, scope.variables = scope.variables, dict(before)
        self._walk(statement.orelse, scope)
        if leaves(statement.body):
            for name in checked if is_negative(statement.test) else ():
                scope.variables.pop(name, None)
        else:
            scope.variables |= after_body

    def _returned(self, value: ast.expr, scope: Scope) -> None:
        """What a route handler returns as a text with markup is a page."""
        taint = self._taint(value, scope)
        if taint and scope.route and taint.built_line and _has_markup(value):
            scope.flows.append(Flow(Sink("xss"), taint.sources, value.lineno))

    def _taint(self, node: ast.expr, scope: Scope) -> Taint | None:
        if is_request_source(node):
            return Taint(frozenset({REQUEST}))
        match node:
            case ast.Name(id=name):
                return scope.variables.get(name)
            case ast.Call():
                return self._call(node, scope)
            case ast.Attribute(value=value) | ast.Starred(value=value) | ast.Await(value=value):
                return self._taint(value, scope)
            case ast.Compare() | ast.Constant() | ast.Lambda():
                return None
            case ast.JoinedStr() | ast.BinOp():
                return self._built(node, scope)
            case _:
                return self._any(ast.iter_child_nodes(node), scope)

    def _built(self, node: ast.expr, scope: Scope) -> Taint | None:
        taint = self._any(ast.iter_child_nodes(node), scope)
        return Taint(taint.sources, taint.built_line or node.lineno) if taint else None

    def _any(self, nodes: Iterable[ast.AST], scope: Scope) -> Taint | None:
        found: Taint | None = None
        for node in nodes:
            taint = (
                self._taint(node, scope)
                if isinstance(node, ast.expr)
                else self._any(ast.iter_child_nodes(node), scope)
            )
            found = taint.joined(found) if taint else found
        return found

    def _call(self, node: ast.Call, scope: Scope) -> Taint | None:
        name = dotted_name(node.func)
        arguments = [self._taint(argument, scope) for argument in node.args]
        by_name = [self._taint(keyword.value, scope) for keyword in node.keywords]
        self._reach(node, name, arguments, scope)
        if name.rpartition(".")[2] in SANITIZERS or name in SANITIZERS:
            return None
        base = self._taint(node.func.value, scope) if isinstance(node.func, ast.Attribute) else None
        taint = base
        for one in (*arguments, *by_name):
            taint = one.joined(taint) if one else taint
        if taint and name.endswith((".format", ".join")):
            return Taint(taint.sources, taint.built_line or node.lineno)
        return taint

    def _reach(self, node: ast.Call, name: str, arguments: Sequence[Taint | None], scope: Scope) -> None:
        for sink in SINKS.get(name, ()) or SINKS.get(f"*.{name.rpartition('.')[2]}", ()):
            taint = arguments[sink.argument] if sink.argument < len(arguments) else None
            if taint and sink.applies(node):
                line = taint.built_line if sink.is_text and taint.built_line else node.lineno
                scope.flows.append(Flow(sink, taint.sources, line))
        for position, flow in self._summaries.get(name.removeprefix("self."), ()):
            shift = 1 if name.startswith("self.") else 0
            taint = arguments[position - shift] if 0 <= position - shift < len(arguments) else None
            if taint:
                scope.flows.append(Flow(flow.sink, taint.sources, flow.line))


def _has_markup(value: ast.expr) -> bool:
    return any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and "<" in node.value
        for node in ast.walk(value)
    )


def _hit(path: str, sink: Sink, line: int) -> Hit:
    words = SINK_RULES[sink.rule_id]
    return Hit(
        path=path,
        start_line=line,
        end_line=line,
        rule_id=sink.rule_id,
        severity=words.severity,
        title=words.title,
        explanation=words.explanation,
        tool=TOOL,
    )
