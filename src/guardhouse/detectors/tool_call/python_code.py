"""Python code: what it calls with which plain values, by the standard parser; bounded, never run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_CODE = 16_384
MAX_NODES = 6000
MAX_VALUE = 4096

LOOKS_LIKE_PYTHON = re.compile(
    r"^[ \t]*(?:import\s+[\w.]+(?:\s*(?:,|as\b|;|$|\n|\#))|from\s+[\w.]+\s+import\b"
    r"|def\s+\w+\s*\(|class\s+\w+\s*[(:]|with\s+open\(|for\s+\w+\s+in\s+[\w.(]+.*:\s*(?:\n|$|\w)"
    r"|while\s+\(?(?:True|1)\)?\s*:|print\(|@\w+\n"
    r"|\w+\s*=\s*(?:\w+\.)*\w+\(|exec\(|eval\(|__import__\(|[a-z_]+(?:\.[a-z_]+)+\([^;|&\n]*\)[ \t]*$)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its dotted name, its plain arguments as text, and whether it stands in an endless loop."""

    name: str
    args: tuple[str, ...]
    keywords: tuple[tuple[str, str], ...] = ()
    endless: bool = False
    looped: bool = False
    nested: tuple[str, ...] = ()
    """Names of the calls inside its arguments."""


@dataclass(slots=True)
class Code:
    """The facts of a piece of code. `parsed` is False when the parser refused it and only strings were read."""

    calls: list[Call] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)
    endless_bodies: list[str] = field(default_factory=list)
    """For each endless loop without a way out: what its body does, as dotted names and `grow` for growing values."""
    parsed: bool = True
    text: str = ""
    recursion: bool = False


def read_python(text: str) -> Code:
    """The facts of `text`, of at most `MAX_CODE` characters and `MAX_NODES` nodes."""
    text = text[:MAX_CODE]
    code = Code(text=text)
    tree = _parse(text)
    if tree is None:
        code.parsed = False
        code.strings = [match.group(2) for match in re.finditer(r"(['\"])([^'\"\n]{1,2000})\1", text)][:200]
        code.calls = [
            Call(match.group(1), _plain_args(match.group(2)))
            for match in re.finditer(r"\b([A-Za-z_][\w.]{1,80})\(([^()\n]{0,400})\)?", text)
        ][:300]
        return code
    _Walker(code, _imports(tree)).run(tree)
    return code


def _parse(text: str) -> ast.Module | None:
    if re.search(r"[(\[{]{60}|(?:-|~|not ){200}", text):
        return None
    for candidate in (text, text.strip().removeprefix("```python").strip("`\n"), _dedented(text)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(candidate)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _dedented(text: str) -> str:
    # JSON-escaped newlines that were escaped twice.
    return text.replace("\\n", "\n").replace('\\"', '"')


def _plain_args(text: str) -> tuple[str, ...]:
    return tuple(match.group(2) for match in re.finditer(r"(['\"])([^'\"]{0,400})\1", text))


def _imports(tree: ast.Module) -> dict[str, str]:
    """Local name to full dotted name, for imports anywhere in the first nodes."""
    names: dict[str, str] = {}
    for count, node in enumerate(ast.walk(tree)):
        if count > MAX_NODES:
            break
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module or ''}.{alias.name}"
    return names


class _Walker:
    """Walks the tree once without recursion; plain values are followed through names, `+`, f-strings and joins."""

    def __init__(self, code: Code, imports: dict[str, str]) -> None:
        self.code = code
        self.imports = imports
        self.values: dict[str, str] = {}
        self.lists: dict[str, list[str]] = {}

    def run(self, tree: ast.Module) -> None:
        stack: list[tuple[ast.AST, bool, bool]] = [(tree, False, False)]
        count = 0
        while stack and count < MAX_NODES:
            node, endless, looped = stack.pop()
            count += 1
            if isinstance(node, ast.For | ast.comprehension):
                self._loop_target(node)
            if isinstance(node, ast.While):
                looped = True
                if _always(node.test) and not _leaves(node):
                    endless = True
                    self.code.endless_bodies.append(self._doings(node))
            elif isinstance(node, ast.For):
                looped = True
                if isinstance(node.iter, ast.Call) and self.name(node.iter.func) in (
                    "iter",
                    "itertools.count",
                    "itertools.cycle",
                    "itertools.repeat",
                ):
                    endless = not _leaves(node)
                    if endless:
                        self.code.endless_bodies.append(self._doings(node))
            elif isinstance(node, ast.Assign):
                self._assign(node)
            elif isinstance(node, ast.FunctionDef):
                self._function(node)
            elif isinstance(node, ast.Call):
                self._call(node, endless, looped)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(self.code.strings) < 300:
                self.code.strings.append(node.value[:MAX_VALUE])
            stack.extend((child, endless, looped) for child in reversed(list(ast.iter_child_nodes(node))))

    def name(self, node: ast.AST, depth: int = 0) -> str:
        """The dotted name of what is called, imports resolved: `requests.post`, `pathlib.Path.unlink`."""
        if depth > 20:
            return ""
        match node:
            case ast.Name(id=name):
                return self.imports.get(name, name)
            case ast.Attribute(value=value, attr=attr):
                inner = self.name(value, depth + 1)
                return f"{inner}.{attr}" if inner else attr
            case ast.Call(func=func, args=args):
                called = self.name(func, depth + 1)
                if called in ("__import__", "importlib.import_module") and args:
                    return self.value(args[0]) or called
                if called == "getattr" and len(args) >= 2:
                    return f"{self.name(args[0], depth + 1)}.{self.value(args[1])}"
                return called
            case _:
                return ""

    def value(self, node: ast.AST, depth: int = 0) -> str:
        """The text that an expression stands for, as far as it is plain; empty when it is not known."""
        if depth > 30:
            return ""
        match node:
            case ast.Constant(value=value):
                return (
                    value
                    if isinstance(value, str)
                    else value.decode("utf-8", "replace")
                    if isinstance(value, bytes)
                    else str(value)
                )[:MAX_VALUE]
            case ast.Name(id=name):
                return self.values.get(name, "")
            case ast.BinOp(left=left, op=ast.Add() | ast.Div(), right=right):
                glue = "/" if isinstance(node.op, ast.Div) else ""
                return (self.value(left, depth + 1).rstrip(glue or "\0") + glue + self.value(right, depth + 1))[
                    :MAX_VALUE
                ]
            case ast.JoinedStr(values=values):
                return "".join(self.value(value, depth + 1) for value in values)[:MAX_VALUE]
            case ast.FormattedValue(value=value):
                return self.value(value, depth + 1)
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                return " ".join(self.value(element, depth + 1) for element in elements[:64])[:MAX_VALUE]
            case ast.Call():
                return self._call_value(node, depth)
            case ast.Attribute(value=value, attr=attr) if attr in ("text", "content", "parent"):
                return self.value(value, depth + 1)
            case _:
                return ""

    def _call_value(self, node: ast.Call, depth: int) -> str:
        name = self.name(node.func)
        if name in (
            "os.path.join",
            "pathlib.Path",
            "Path",
            "os.path.expanduser",
            "os.path.abspath",
            "str",
            "bytes",
            "shlex.split",
            "os.fspath",
            "os.walk",
            "os.listdir",
            "os.scandir",
            "glob.glob",
            "glob.iglob",
            "pathlib.PurePath",
            "open",
        ):
            parts = [self.value(arg, depth + 1) for arg in node.args[:8]]
            joined = "/".join(part.rstrip("/") if index < len(parts) - 1 else part for index, part in enumerate(parts))
            return joined[:MAX_VALUE]
        if name.endswith("Path.home"):
            return "~"
        if name in ("base64.b64decode", "base64.urlsafe_b64decode", "bytes.fromhex", "codecs.decode") and node.args:
            from guardhouse.detectors.tool_call.unwrap import decode_base64, decode_hex

            text = self.value(node.args[0], depth + 1)
            return decode_hex(text) if "hex" in name else decode_base64(text) if "b64" in name else text
        if isinstance(node.func, ast.Attribute) and node.func.attr in (
            "decode",
            "encode",
            "format",
            "strip",
            "expanduser",
            "resolve",
            "split",
            "joinpath",
            "rglob",
            "glob",
            "iterdir",
            "read",
            "read_text",
            "read_bytes",
        ):
            inner = self.value(node.func.value, depth + 1)
            if node.func.attr not in ("joinpath", "glob", "rglob"):
                return inner
            # A pattern narrows what is meant, unless it takes everything.
            pieces = (self.value(arg, depth + 1) for arg in node.args[:3])
            return inner + "".join("/" + part for part in pieces if part.strip("*/"))
        if isinstance(node.func, ast.Attribute) and node.func.attr == "join" and node.args:
            return self.value(node.args[0], depth + 1).replace(" ", self.value(node.func.value, depth + 1))
        return ""

    def _assign(self, node: ast.Assign) -> None:
        value = self.value(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name) and len(self.values) < 300:
                if value:
                    self.values[target.id] = value
                if isinstance(node.value, ast.Call):
                    # The name stands for what made it: `s = socket.socket(); s.connect(...)`.
                    self.imports.setdefault(target.id, self.name(node.value.func))

    def _loop_target(self, node: ast.For | ast.comprehension) -> None:
        """The loop's name stands for the folder that is walked: `for p in Path("/etc").rglob("*")`."""
        target = node.target.elts[0] if isinstance(node.target, ast.Tuple) and node.target.elts else node.target
        if isinstance(target, ast.Name) and len(self.values) < 300 and (value := self.value(node.iter)):
            self.values[target.id] = value

    def _function(self, node: ast.FunctionDef) -> None:
        own = 0
        for count, child in enumerate(ast.walk(node)):
            if count > 400:
                break
            if isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id == node.name:
                own += 1
            if isinstance(child, ast.If | ast.IfExp | ast.Return | ast.While | ast.For | ast.Try):
                return
        self.code.recursion = self.code.recursion or own >= 2

    def _call(self, node: ast.Call, endless: bool, looped: bool) -> None:
        if len(self.code.calls) >= 500:
            return
        args = [self.value(arg) for arg in node.args[:8]]
        receiver = self.value(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        nested = tuple(
            self.name(child.func)
            for arg in (*node.args[:4], *(keyword.value for keyword in node.keywords[:6]))
            for child in _calls_in(arg)
        )
        keywords = tuple((keyword.arg or "**", self.value(keyword.value)) for keyword in node.keywords[:12])
        name = self.name(node.func)
        self.code.calls.append(
            Call(name, (*args, receiver) if receiver else tuple(args), keywords, endless, looped, nested)
        )

    def _doings(self, node: ast.While | ast.For) -> str:
        words: list[str] = []
        for count, child in enumerate(ast.walk(node)):
            if count > 400:
                break
            if isinstance(child, ast.Call):
                words.append(self.name(child.func))
            elif (
                isinstance(child, ast.AugAssign)
                and isinstance(child.op, ast.Add | ast.Mult)
                and isinstance(child.value, ast.Name | ast.Constant | ast.BinOp | ast.List)
            ):
                grows = not (isinstance(child.value, ast.Constant) and isinstance(child.value.value, int | float))
                words.append("grow" if grows else "count")
        return " ".join(words)


def _calls_in(node: ast.AST) -> Iterator[ast.Call]:
    for count, child in enumerate(ast.walk(node)):
        if count > 60:
            return
        if isinstance(child, ast.Call):
            yield child


def _always(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and bool(node.value)


def _leaves(node: ast.While | ast.For) -> bool:
    for count, child in enumerate(ast.walk(node)):
        if count > 600:
            return True
        if isinstance(child, ast.Break | ast.Return | ast.Raise | ast.Yield | ast.Await):
            return True
    return False
