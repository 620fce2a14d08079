"""Reads a shell script into facts by its grammar (tree-sitter-bash), and by the plain lexer where that gives up."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from guardhouse.detectors.tool_call.shell_facts import (
    MAX_PIPE,
    MAX_STAGES,
    Command,
    Script,
    Stage,
    command_of,
    unescape,
)
from guardhouse.detectors.tool_call.shell_lex import lex_script

if TYPE_CHECKING:
    from tree_sitter import Language, Node

MAX_GRAMMAR_BYTES = 4096
"""Error recovery of the grammar is quadratic: 0.1 s at this size in the worst case."""
MAX_LEX_CHARACTERS = 32_768
_TANGLED = (("(", 120), ("|", 120), ("{", 120), ("<<", 30), ("`", 120))
"""No honest command of that size holds so many of these; broken ones make error recovery slow."""
MAX_DEPTH = 60

_SEPARATOR_VARIABLE = re.compile(r"\$\{IFS[^}\s]{0,20}\}|\$IFS(?:\$9)?\b")
_BOMB = re.compile(
    r"([\w:.]{1,40})\s{0,5}\(\s{0,5}\)\s{0,5}[{(][^})]{0,200}?(?<![\w:.])\1(?![\w:.])\s{0,5}[|&]\s{0,5}\1(?![\w:.])"
)
_BOMB_BATCH = re.compile(
    r"%0\s{0,5}\|\s{0,5}%0|\bfork\s+while\s+(?:fork|1|true)\b|\bwhile\s*\(?\s*(?:1"
    r"|true)\s*\)?\s*\{?\s*fork\b|\bfork\s+until\b",
    re.IGNORECASE,
)


@cache
def _language() -> Language:
    import tree_sitter_bash
    from tree_sitter import Language

    return Language(tree_sitter_bash.language())


def read_shell(text: str, *, grammar: bool = True) -> Script:
    """The facts of `text`, of at most `MAX_LEX_CHARACTERS` of it; scripts over `MAX_GRAMMAR_BYTES` are only lexed.

    With `grammar` False the caller's allowance for the parser is used up, and the script is only lexed as well.
    """
    text = _SEPARATOR_VARIABLE.sub(" ", text[:MAX_LEX_CHARACTERS])
    source = text.encode("utf-8", "replace")
    bomb = bool(_BOMB.search(text) or _BOMB_BATCH.search(text))
    if not grammar or len(source) > MAX_GRAMMAR_BYTES or any(text.count(mark) > most for mark, most in _TANGLED):
        lexed = lex_script(text)
        return replace(lexed, fork_bomb=bomb or lexed.fork_bomb)
    from tree_sitter import Parser

    root = Parser(_language()).parse(source).root_node
    reader = _Reader(source)
    reader.visit(root, 0)
    stages = reader.stages
    if root.has_error or reader.too_deep:
        stages = [*stages, *lex_script(text).stages]
    return Script(tuple(stages[:MAX_STAGES]), fork_bomb=bomb or reader.bomb, text=text)


class _Reader:
    """Walks the tree once. Variables given plain values are put in where they are used."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.stages: list[Stage] = []
        self.bomb = False
        self.too_deep = False
        self._env: dict[str, str] = {}
        self._endless = 0
        self._looped = 0

    def visit(self, node: Node, depth: int) -> None:
        """Registers every pipe under `node` as stages."""
        if depth > MAX_DEPTH or len(self.stages) >= MAX_STAGES:
            self.too_deep = self.too_deep or depth > MAX_DEPTH
            return
        match node.type:
            case "command" | "pipeline" | "redirected_statement" | "subshell" | "negated_command":
                self._register(self._flow(node, depth), background=_in_background(node))
            case "while_statement" | "until_statement" | "for_statement" | "c_style_for_statement" | "select_statement":
                self._loop(node, depth)
            case "function_definition":
                self._function(node, depth)
            case "variable_assignment":
                self._assign(node, depth)
            case _:
                for child in node.named_children:
                    self.visit(child, depth + 1)

    def _register(self, pipe: list[Command], *, background: bool) -> None:
        commands = tuple(pipe[:MAX_PIPE])
        for index, command in enumerate(commands):
            self.stages.append(Stage(command, commands, index, self._endless > 0, self._looped > 0, background))

    def _flow(self, node: Node, depth: int, *, grouped: bool = False) -> list[Command]:
        """The simple commands under `node` in the order in which data runs through them; a group's all run on."""
        if depth > MAX_DEPTH:
            self.too_deep = True
            return []
        match node.type:
            case "command":
                command = self._command(node, depth)
                return [command] if command else []
            case "redirected_statement":
                return self._redirected(node, depth)
            case "function_definition":
                self._function(node, depth)
                return []
            case "variable_assignment" | "declaration_command":
                self.visit(node, depth + 1)
                return []
            case "list" if not grouped:
                # The grammar binds `a && b | c` the other way round: only the last command of a bare list is piped on.
                *first, last = node.named_children
                for child in first:
                    self.visit(child, depth + 1)
                return self._flow(last, depth + 1)
            case "while_statement" | "for_statement" | "c_style_for_statement":
                before = len(self.stages)
                self._loop(node, depth)
                return [stage.command for stage in self.stages[before:]]
            case _:
                grouped = grouped or node.type in ("subshell", "compound_statement")
                commands: list[Command] = []
                for child in node.named_children:
                    commands.extend(self._flow(child, depth + 1, grouped=grouped))
                return commands

    def _redirected(self, node: Node, depth: int) -> list[Command]:
        commands: list[Command] = []
        writes: list[str] = []
        reads: list[str] = []
        stdin = ""
        after: list[Command] = []
        feeds: list[Command] = []
        for child in node.named_children:
            match child.type:
                case "file_redirect":
                    target = " ".join(
                        self._word(part, depth, feeds)
                        for part in child.named_children
                        if part.type != "file_descriptor"
                    )
                    operator = self._text(child).lstrip("0123456789")
                    (reads if operator.startswith("<") else writes).append(target)
                case "heredoc_redirect":
                    for part in child.named_children:
                        if part.type == "heredoc_body":
                            stdin = self._text(part)
                        elif part.type in ("pipeline", "command", "redirected_statement"):
                            after.extend(self._flow(part, depth + 1))
                case "herestring_redirect":
                    stdin = " ".join(self._word(part, depth, feeds) for part in child.named_children)
                case _:
                    commands.extend(self._flow(child, depth + 1))
        if commands:
            last = commands[-1]
            commands[-1] = replace(
                last,
                writes=(*last.writes, *writes),
                reads=(*last.reads, *reads),
                stdin=last.stdin or stdin,
                feeds=(*last.feeds, *feeds),
            )
        elif writes:
            commands.append(Command("", writes=tuple(writes), reads=tuple(reads), stdin=stdin, feeds=tuple(feeds)))
        return [*commands, *after]

    def _command(self, node: Node, depth: int) -> Command | None:
        words: list[str] = []
        feeds: list[Command] = []
        stdin = ""
        for child in node.named_children:
            match child.type:
                case "variable_assignment":
                    self._assign(child, depth)
                case "herestring_redirect":
                    stdin = " ".join(self._word(part, depth, feeds) for part in child.named_children)
                case "file_redirect":
                    continue
                case "command_name":
                    name = self._word(child, depth, feeds)
                    # A name put together from variables may hold several words.
                    words.extend(name.split() if " " in name and "$" in self._text(child) else [name])
                case _:
                    word = self._word(child, depth, feeds)
                    if child.type == "simple_expansion" and " " in word:
                        words.extend(word.split())
                    else:
                        words.append(word)
        return command_of(words, stdin=stdin, feeds=tuple(feeds))

    def _word(self, node: Node, depth: int, feeds: list[Command]) -> str:
        """A word as the shell sees it, as far as that is known; substitutions are registered and stand as `$()`."""
        if depth > MAX_DEPTH:
            self.too_deep = True
            return ""
        match node.type:
            case "raw_string":
                return self._text(node)[1:-1]
            case "ansi_c_string":
                return unescape(self._text(node)[2:-1])
            case "simple_expansion" | "expansion":
                return self._expand(node)
            case "command_substitution" | "process_substitution":
                before = len(self.stages)
                for child in node.named_children:
                    self.visit(child, depth + 1)
                feeds.extend(stage.command for stage in self.stages[before:])
                return "$()"
            case "string" | "concatenation" | "command_name" | "translated_string":
                return self._joined(node, depth, feeds)
            case "word" | "number":
                text = self._text(node)
                return re.sub(r"\\(.)", r"\1", text) if "\\" in text and not _WINDOWS.search(text) else text
            case _:
                return self._text(node)

    def _joined(self, node: Node, depth: int, feeds: list[Command]) -> str:
        """A word made of parts, with what stands between the named ones."""
        quoted = node.type == "string"
        start, end = (node.start_byte + 1, node.end_byte - 1) if quoted else (node.start_byte, node.end_byte)
        out: list[str] = []
        position = start
        for child in node.named_children:
            if child.start_byte > position:
                out.append(self._slice(position, child.start_byte))
            out.append(
                self._slice(child.start_byte, child.end_byte)
                if child.type == "string_content"
                else self._word(child, depth + 1, feeds)
            )
            position = child.end_byte
        if position < end:
            out.append(self._slice(position, end))
        joined = "".join(out)
        return joined.replace('\\"', '"').replace("\\$", "$").replace("\\`", "`") if quoted else joined

    def _expand(self, node: Node) -> str:
        text = self._text(node)
        name = text.strip("${}").partition(":")[0].partition("%")[0].partition("#")[0]
        return self._env.get(name, text)

    def _assign(self, node: Node, depth: int) -> None:
        name = node.child_by_field_name("name")
        value = node.child_by_field_name("value")
        if name is None:
            return
        feeds: list[Command] = []
        text = self._word(value, depth + 1, feeds) if value is not None else ""
        if len(self._env) < 200 and len(text) <= 400 and not feeds:
            self._env[self._text(name)] = text

    def _loop(self, node: Node, depth: int) -> None:
        endless = self._is_endless(node)
        self._endless += endless
        self._looped += 1
        for child in node.named_children:
            if child.type == "command_substitution":
                self._word(child, depth + 1, [])
            else:
                self.visit(child, depth + 1)
        self._endless -= endless
        self._looped -= 1

    def _is_endless(self, node: Node) -> bool:
        head = self._text(node).partition("do")[0] if node.type != "c_style_for_statement" else self._text(node)[:80]
        return bool(_ENDLESS.match(head[:80].strip()))

    def _function(self, node: Node, depth: int) -> None:
        name_node = node.child_by_field_name("name")
        name = self._text(name_node) if name_node is not None else ""
        before = len(self.stages)
        for child in node.named_children:
            if child is not name_node and child.type != "word":
                self.visit(child, depth + 1)
        own = [stage for stage in self.stages[before:] if stage.command.name == name.lower()]
        if len(own) >= 2 or any(stage.background for stage in own):
            self.bomb = True

    def _text(self, node: Node) -> str:
        return self._slice(node.start_byte, node.end_byte)

    def _slice(self, start: int, end: int) -> str:
        return self.source[start:end].decode("utf-8", "replace")


_WINDOWS = re.compile(r"^[A-Za-z]:\\|\\\w+\\|%\w+%")
_ENDLESS = re.compile(
    r"(?:while\s*(?:true|:|1|\[+\s*(?:1|true)\s*\]+|\(\(\s*1\s*\)\)|/bin/true|!\s*false)"
    r"|until\s*(?:false|\[+\s*\]+))\s*;?\s*$|for\s*\(\(\s*[^;]*;\s*(?:1|true)?\s*;"
)


def _in_background(node: Node) -> bool:
    following = node.next_sibling
    return following is not None and following.type == "&"
