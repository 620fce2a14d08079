"""A plain, linear reading of shell text, for scripts that are too long or too broken for the grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from guardhouse.detectors.tool_call.shell_facts import MAX_PIPE, MAX_STAGES, Command, Script, Stage, command_of
from guardhouse.detectors.tool_call.wordset import word_set

MAX_TOKENS = 8000
MAX_NESTED = 60

_TOKEN = re.compile(
    r"(?P<space>[ \t]+|\\\n)|(?P<comment>(?:(?<=\s)|(?<=^))#[^\n]*)|(?P<end>\n|;;?|&&|\|\||&(?![>&])"
    r"|[(){}](?=[\s;)&|]|$))|(?P<pipe>\|&?)"
    r"|(?P<into>\d?(?:>>?|>\||&>>?)(?:&\d)?)|(?P<from><<<|<<-?|<(?!\())"
    r"|(?P<single>\$?'[^']*'?)|(?P<double>\"(?:[^\"\\]|\\.)*\"?)|(?P<back>`[^`]*`?)|(?P<open>\$\(|<\()"
    r"|(?P<plain>(?:[^\s;&|<>'\"`$\\()]|\\.|\$(?!\()|\\|\()+)|(?P<close>\))|(?P<other>.)",
    re.DOTALL,
)
_SKIPPED = word_set("if then elif else fi do done while until for case esac in { } ( ) ! function select")


@dataclass(slots=True)
class _State:
    words: list[str] = field(default_factory=list)
    word: str | None = None
    writes: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    stdin: str = ""
    target: str = ""
    pipe: list[Command] = field(default_factory=list)
    endless: int = 0
    stages: list[Stage] = field(default_factory=list)
    nested: list[str] = field(default_factory=list)


def lex_script(text: str) -> Script:
    """The facts of `text`; substitutions become scripts of their own, loops are known by their heads. Linear."""
    state = _State()
    for count, match in enumerate(_TOKEN.finditer(text)):
        if count >= MAX_TOKENS or len(state.stages) >= MAX_STAGES:
            break
        _take(state, match.lastgroup or "", match.group())
    _end_command(state)
    _end_pipe(state, background=False)
    stages = state.stages
    for inner in state.nested[:MAX_NESTED]:
        if "$(" not in inner and "`" not in inner and len(stages) < MAX_STAGES:
            stages = [*stages, *lex_script(inner).stages]
    return Script(tuple(stages[:MAX_STAGES]), text=text)


def _take(state: _State, group: str, piece: str) -> None:
    match group:
        case "space" | "comment":
            _end_word(state)
        case "end" | "close" | "open":
            _end_command(state)
            _end_pipe(state, background=piece == "&")
        case "pipe":
            _end_command(state)
        case "into" | "from":
            _end_word(state)
            state.target = "" if "&" in piece and not piece.startswith("&>") else piece
        case "single" | "double":
            inner = piece.lstrip("$")[1:].removesuffix(piece[-1]) if len(piece) > 1 else ""
            state.word = (state.word or "") + inner
            if group == "double" and "$(" in inner:
                state.nested.append(inner.partition("$(")[2].rpartition(")")[0])
        case "back":
            state.nested.append(piece.strip("`"))
            state.word = (state.word or "") + "$()"
        case _:
            state.word = (state.word or "") + re.sub(r"\\([^\w])", r"\1", piece)


def _end_word(state: _State) -> None:
    if state.word is None:
        return
    word, state.word = state.word, None
    if not state.target:
        state.words.append(word)
        return
    target, state.target = state.target, ""
    if target == "<<<":
        state.stdin = word
    elif target.startswith("<<"):
        return
    elif target == "<":
        state.reads.append(word)
    else:
        state.writes.append(word)


def _end_command(state: _State) -> None:
    _end_word(state)
    state.target = ""
    words = state.words
    state.words = []
    if words and words[0] in ("while", "until"):
        state.endless += words[1:2] in ([":"], ["true"], ["1"], ["false"]) or words[1:3] in (["[", "1"], ["((", "1"])
    if words and words[0] == "done":
        state.endless = max(0, state.endless - 1)
    while words and words[0] in _SKIPPED:
        words = words[1:]
    command = command_of(words)
    writes, state.writes = tuple(state.writes), []
    reads, state.reads = tuple(state.reads), []
    stdin, state.stdin = state.stdin, ""
    if len(state.pipe) >= MAX_PIPE:
        return
    if command:
        state.pipe.append(replace(command, writes=writes, reads=reads, stdin=stdin))
    elif writes:
        state.pipe.append(Command("", writes=writes, reads=reads, stdin=stdin))


def _end_pipe(state: _State, *, background: bool) -> None:
    pipe = tuple(state.pipe)
    state.pipe = []
    endless = state.endless > 0
    for index, command in enumerate(pipe):
        state.stages.append(Stage(command, pipe, index, endless, endless, background))
