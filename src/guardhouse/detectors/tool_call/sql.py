"""SQL statements: parsed by sqlglot where that works, by tokens where it does not."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from typing import Any

from guardhouse.detectors.tool_call.verdict import Verdict, denial, destructive, exfiltration, exploit

MAX_PARSED = 4096
MAX_READ = 16_384

LOOKS_LIKE_SQL = re.compile(
    r"^\s*(?:--[^\n]*\n\s*|/\*.{0,200}?\*/\s*)*(?:select\b.+\bfrom\b|select\s+[\w.]*\(|insert\s+into"
    r"|update\s+[\w.\"`\[\]]+\s+set|delete\s+from|drop\s+(?:table|database|schema|index|view|user|role"
    r"|stage)"
    r"|truncate\s+(?:table\s+)?[\w.\"`]+|alter\s+(?:table|system|user|role|database)"
    r"|create\s+(?:or\s+replace\s+)?(?:table|temp|database|user|role|login|stage|index|view|function"
    r"|trigger|extension|unique)|grant\s+\w|revoke\s+\w"
    r"|copy\s*[(\w]|exec(?:ute)?\s+\w|with\s+(?:recursive\s+)?\w+|begin\b|do\s+\$\$|set\s+\w+\s*="
    r"|merge\s+into|load\s+data|attach\s+database|pragma\s|vacuum|explain|show\s+\w+|use\s+\w+\s*;"
    r"|declare\s+@)",
    re.IGNORECASE | re.DOTALL,
)
_SCRATCH_TABLE = re.compile(
    r"(?:^|[._\"`])(?:te?mp|test|tests|staging|stage|stg|scratch|bak|backup|old|copy|cache|sandbox|dev"
    r"|junk|debug|sample|demo)(?:$|[._\"`\d])|_(?:tmp|temp|test|bak|old|stg|staging)\d*\b|^#|^tmp",
    re.IGNORECASE,
)
_SECRET_COLUMN = re.compile(
    r"\b(?:password(?:_?hash)?|passwd|pwd|pass_?hash|secret(?:_?key)?|api_?key|token|ssn|cvv|pan"
    r"|card_?(?:no|number)|credit_card|private_key|salt)\b",
    re.IGNORECASE,
)
_TRUE = (
    r"(?:1|not\s+false|true|(?P<number>\d+)\s*=\s*(?P=number)|'(?P<text>[^']*)'\s*=\s*'(?P=text)'"
    r"|(?P<name>\w+)\s*=\s*(?P=name)|\w*id\w*\s*(?:>=?\s*-?[01]|<>\s*-1)|\w*id\w*\s+is\s+not\s+null)"
)

_TOKEN_RULES: tuple[tuple[re.Pattern[str], Verdict], ...] = tuple(
    (re.compile(shape, re.IGNORECASE | re.DOTALL), verdict)
    for shape, verdict in (
        (r"\bto\s+program\s+'[^']{0,400}(?:curl|wget|nc\b|/dev/tcp|https?://)", exfiltration(0.85, "sql_program")),
        (r"\b(?:to|from)\s+program\b", exploit(0.9, "sql_program")),
        (
            r"\bxp_cmdshell\b|\bsp_oacreate\b|\bsys_(?:exec|eval)\s*\(|\bdbms_scheduler\.create_job"
            r"|\bxp_reg(?:read|write)\b|\bsp_execute_external_script",
            exploit(0.9, "sql_shell"),
        ),
        (r"\binto\s+(?:out|dump)file\b.{0,200}\.(?:php|jsp|aspx?|sh)\b|<\?php", exploit(0.88, "sql_web_shell")),
        (
            r"\blo_export\s*\(|\bsoname\s+'|\bcreate\s+(?:or\s+replace\s+)?function\b.{0,400}\blanguage\s+'?(?"
            r":plpythonu|plpython3u|plperlu|c)\b",
            exploit(0.8, "sql_shell"),
        ),
        (r"(?:^|;)\s*shutdown\b", destructive(0.75, "sql_shutdown", askable=True)),
        (r"\bpg_terminate_backend\s*\(\s*\w*pid\s*\)(?!.*\bwhere\b)", denial(0.6, "sql_disconnect_all")),
        (r"\bmerge\s+into\b.{0,400}\bon\s+\(?\s*1\s*=\s*1.{0,200}\bthen\s+delete", destructive(0.7, "sql_delete_all")),
        (
            r"\blo_export\s*\(|\bsoname\s+'|\bcreate\s+(?:or\s+replace\s+)?function\b.{0,400}"
            r"\blanguage\s+'?(?:plpython3?u|plperlu|c)\b",
            exploit(0.8, "sql_shell"),
        ),
        (r"(?:^|;)\s*shutdown\b", destructive(0.75, "sql_shutdown", askable=True)),
        (r"^(?!.*\bwhere\b).*\bpg_terminate_backend\s*\(\s*\w*pid\s*\)", denial(0.6, "sql_disconnect_all")),
        (
            r"\bmerge\s+into\b.{0,400}\bon\s+\(?\s*1\s*=\s*1.{0,200}\bthen\s+delete",
            destructive(0.7, "sql_delete_all"),
        ),
        (r"\binto\s+(?:out|dump)file\b", exfiltration(0.7, "sql_file")),
        (
            r"\bload_file\s*\(|\bpg_read_(?:binary_)?file\s*\(|\butl_file\b|\bopenrowset\s*\(\s*bulk",
            exfiltration(0.65, "sql_read_file"),
        ),
        (
            r"\bdblink(?:_exec|_connect)?\s*\(\s*'[^']*\bhost=|\butl_http\.request|\butl_inaddr\b"
            r"|\bhttpuritype\s*\(|\butl_smtp\b|\bopendatasource\s*\(",
            exfiltration(0.7, "sql_remote"),
        ),
        (
            r"\bcreate\s+(?:or\s+replace\s+)?(?:external\s+)?stage\b.{0,200}\burl\s*="
            r"|\bunload\s*\(.{0,2000}\bto\s+'s3://|\bexport\s+data\b.{0,200}\buri\s*=",
            exfiltration(0.6, "sql_stage"),
        ),
        (
            r"\bunion\b(?:\s+all)?\s*\(?\s*select\b.{0,400}\b(?:password\w*|passwd|pwd|password_hash|secret"
            r"|token|information_schema|mysql\.user|pg_shadow|sys\.\w+|sqlite_master|@@version|version\s*\(\)"
            r"|banner|user\s*\(\))",
            exploit(0.85, "sql_union"),
        ),
        (
            r"\b(?:pg_shadow|pg_authid|mysql\.user|sys\.user\$|dba_users|master\.\.sys\w+|sql_logins|syscat\.dbauth)\b",
            exfiltration(0.6, "sql_accounts"),
        ),
        (
            r"\bcreate\s+(?:user|role|login)\b.{0,200}\b(?:superuser|sysadmin)\b|\balter\s+(?:user"
            r"|role)\b.{0,100}\bsuperuser\b|\bsp_addsrvrolemember\b.{0,100}sysadmin"
            r"|\bgrant\s+all(?:\s+privileges)?\s+on\s+\*\.\*\s+to\b",
            exploit(0.75, "sql_superuser"),
        ),
        (
            r"\bdisable\s+trigger\s+all\b|\blog_statement\s*=\s*'?none|\bsql_log_bin\s*=\s*0|\bgeneral_log\s*=\s*'?off",
            destructive(0.65, "sql_traces"),
        ),
        (
            r"\bexecute\s+(?:immediate\s+)?(?:format\s*\(\s*)?'[^']{0,20}drop\s+(?:table|database|schema)",
            destructive(0.85, "sql_drop_all"),
        ),
        (r"\b(?:sleep|pg_sleep)\s*\(\s*'?(?:[1-9]\d{2,})", denial(0.8, "sql_sleep")),
        (r"\bbenchmark\s*\(\s*[\d.e^*]{7,}", denial(0.75, "sql_benchmark")),
        (r"\bwaitfor\s+delay\s*'(?:\d{2,}:|0*:?[1-9]\d?:|\d+:\d+:[3-9]\d)", denial(0.7, "sql_sleep")),
        (
            r"\bwaitfor\s+(?:delay|time)\b|\bdbms_pipe\.receive_message|(?:^|\W)(?:or|and)\s+(?:sleep|pg_sleep"
            r"|benchmark)\s*\(|\brlike\s*\(\s*select|\bsleep\(__TIME__\)",
            exploit(0.75, "sql_blind"),
        ),
        (r"\bgenerate_series\s*\(\s*1\s*,\s*(?:\d{10,}|1e\d{2,})", denial(0.75, "sql_rows")),
        (r"\brepeat\s*\(\s*'[^']*'\s*,\s*\d{9,}", denial(0.7, "sql_rows")),
    )
)
_INJECTION: tuple[tuple[re.Pattern[str], float], ...] = tuple(
    (re.compile(shape, re.IGNORECASE), level)
    for shape, level in (
        (
            r"['\"]\s*\)*\s*(?:or|and|\|\||&&)\s*\(*\s*(?:(\d+)\s*=\s*\1\b|'([^']*)'\s*=\s*'\2"
            r"|\"([^\"]*)\"\s*=\s*\"\3|true\b|1\s*(?:--|#|/\*)|not\s|\d+\s*(?:=|<|>)\s*\(?\s*(?:\d|select|\())",
            0.85,
        ),
        (
            r"['\"]\s*\)*\s*;\s*(?:drop|delete|update|insert|exec|shutdown|alter|create|waitfor|if\b|select"
            r"|declare|begin|db\.)",
            0.85,
        ),
        (r"['\"]\s*\)*\s*(?:union|intersect|except)\s+(?:all\s+)?\(?\s*select", 0.85),
        (r"\bunion\s+(?:all\s+)?select\s+(?:null|\d+)\s*,\s*(?:null|\d+|@@)", 0.8),
        (r"^\s*\S{0,30}['\"]\s*(?:--|#|/\*)", 0.6),
        (r"['\"]\s*\)*\s*(?:or|and)\s+['\"(\w]{1,30}\)?\s*(?:=|like\b|in\b|is\b|between\b|<|>)", 0.7),
        (r"^\s*\S{0,12}\s*\)*\s*(?:or|and)\s+(\d+)\s*=\s*\(?\s*(?:\1\b|select)", 0.65),
        (r"\b(?:or|and)\s+(?:(\d+)=\1|'(\w)'='\2)\s*(?:--|#|/\*|$)", 0.7),
        (r"\b(?:convert|cast|extractvalue|updatexml)\s*\(.{0,60}\bselect\b", 0.6),
        (r"(?:char|chr|concat)\s*\(\s*(?:0x[0-9a-f]+|\d{2,3})\s*(?:,|\)\s*[+|])", 0.5),
        (r"\border\s+by\s+\d{1,3}\s*(?:--|#|/\*)", 0.6),
        (r";\s*(?:drop|truncate)\s+(?:table|database)\b.{0,60}(?:--|#|$)", 0.6),
        (r"\$(?:where|ne|gt|regex)\b['\"]?\s*\]?\s*[:=]|\|\|\s*'?1'?\s*==\s*'?1|this\.\w+\.match\(", 0.55),
    )
)


_INJECTED_INTO = (
    (re.compile(r"\bor\s+(?:(\d+)\s*=\s*\1\b|'([^']*)'\s*=\s*'\2'?)", re.IGNORECASE), 0.75),
    (re.compile(r"\bunion\s+(?:all\s+)?select\s+(?:null|\d+)\s*,\s*(?:null|\d+|@@)", re.IGNORECASE), 0.7),
    (re.compile(r"''\s*(?:or|and|having|group by|order by)\b|'\s*(?:--|#)\s*'?$", re.IGNORECASE), 0.55),
)


def judge_sql(text: str) -> Iterator[Verdict]:
    """Verdicts about a query that an agent sends; at most `MAX_READ` characters are read, `MAX_PARSED` parsed."""
    text = text[:MAX_READ]
    for shape, verdict in _TOKEN_RULES:
        if shape.search(text):
            yield verdict
    statements = _parsed(text) if len(text) <= MAX_PARSED else None
    if (level := injection_level(text, whole=statements is None or not LOOKS_LIKE_SQL.match(text))) >= 0.5:
        yield exploit(level, "sql_injection")
    if statements is None:
        yield from _by_tokens(text)
        return
    for statement in statements:
        if statement is not None:
            yield from _judge_statement(statement)
    yield from _by_tokens(text)


def injection_level(text: str, *, whole: bool = True) -> float:
    """How surely `text` is, or holds, a value made to break out of a query.

    With `whole` False the text is a sound query of its own: quotes and semicolons are at home in it, and only what
    no honest query says counts, such as `OR 1=1`.
    """
    text = " ".join(text[:2048].split())
    shapes = _INJECTION if whole else _INJECTED_INTO
    return max((level for shape, level in shapes if shape.search(text)), default=0.0)


def _parsed(text: str) -> list[Any] | None:
    """sqlglot's trees, None where it cannot read the text."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    if text.count("(") > 100:
        return None
    _hush_parser()
    token = _PARSING.set(True)
    try:
        return list(sqlglot.parse(text))
    except (SqlglotError, RecursionError, ValueError, AttributeError, TypeError, IndexError, KeyError):
        # Beside its own errors the parser leaks Python's on broken statements; all mean "not SQL as far as it knows".
        return None
    finally:
        _PARSING.reset(token)


_PARSING: ContextVar[bool] = ContextVar("guardhouse_parsing_sql", default=False)


@cache
def _hush_parser() -> None:
    """The parser's warnings quote the statement; judged text belongs into no log. Others' use of it stays as it was."""
    logging.getLogger("sqlglot").addFilter(lambda record: not _PARSING.get())


def _judge_statement(statement: Any) -> Iterator[Verdict]:
    from sqlglot import exp

    match statement:
        case exp.Select():
            yield from _judge_select(statement)
        case exp.Drop():
            kind = str(statement.args.get("kind") or "").upper()
            for target in (statement.args.get("tables") or [statement.this])[:20]:
                yield from _judge_drop(kind, _name(target), temporary=bool(statement.args.get("temporary")))
        case exp.Alter():
            if any(
                isinstance(action, exp.Drop)
                and str(action.args.get("kind") or "COLUMN").upper() in ("COLUMN", "PARTITION")
                for action in statement.args.get("actions") or ()
            ):
                yield destructive(0.5, "sql_drop_column", askable=True)
        case _:
            return


def _name(node: Any) -> str:
    return str(node.sql()) if node is not None and hasattr(node, "sql") else str(node or "")


def _judge_select(statement: Any) -> Iterator[Verdict]:
    from sqlglot import exp

    joins = statement.args.get("joins") or ()
    bare = [
        join
        for join in joins
        if not join.args.get("on")
        and not join.args.get("using")
        and not isinstance(join.this, (exp.Lateral, exp.Unnest))
    ]
    limited = statement.args.get("limit") or statement.args.get("where") or statement.args.get("group")
    crossing = sum(1 for join in bare if isinstance(join.this, exp.Table))
    if crossing >= 3 and not limited:
        yield denial(0.75, "sql_cartesian")
    elif crossing >= 3:
        yield denial(0.35, "sql_cartesian")
    columns = " ".join(str(column.sql()) for column in statement.expressions[:40])
    if _SECRET_COLUMN.search(columns) and not statement.args.get("where"):
        yield exfiltration(0.55, "sql_secrets")
    elif re.search(
        r"\bfrom\s+(?:secrets|credentials|api_keys|passwords|tokens)\b", str(statement.sql())[:2000], re.IGNORECASE
    ) and not statement.args.get("where"):
        yield exfiltration(0.5, "sql_secrets")


def _judge_drop(kind: str, name: str, *, temporary: bool) -> Iterator[Verdict]:
    scratch = temporary or bool(_SCRATCH_TABLE.search(name))
    if kind in ("DATABASE", "SCHEMA"):
        yield destructive(0.35 if scratch else 0.88, "sql_drop")
    elif kind == "TABLE":
        yield destructive(0.2 if scratch else 0.7, "sql_drop", askable=True)
    elif kind in ("USER", "ROLE"):
        yield destructive(0.3, "sql_drop")


_DELETE = re.compile(r"\bdelete\s+from\s+(?:only\s+)?([\w.\"`\[\]]+)([^;]*)", re.IGNORECASE)
_UPDATE = re.compile(
    r"(?:^|;|\bbegin\b|\*/)\s*(?:--[^\n]*\n\s*)*update\s+([\w.\"`\[\]]+)\s+(?:as\s+\w+\s+|\w+\s+)?set\b([^;]*)",
    re.IGNORECASE,
)
_TRUNCATE = re.compile(r"(?:^|;)\s*truncate\s+(?:table\s+)?([\w.\"`\[\]]+)", re.IGNORECASE)
_DROP = re.compile(
    r"(?:^|;|')\s*drop\s+(temporary\s+)?(table|database|schema)\s+(?:if\s+exists\s+)?([\w.\"`\[\]$%]+)", re.IGNORECASE
)
_DROP_COLUMN = re.compile(r"\balter\s+table\s+\S+\s+drop\s+column\b", re.IGNORECASE)
_RECURSIVE = re.compile(r"\bwith\s+recursive\b", re.IGNORECASE)


def _by_tokens(text: str) -> Iterator[Verdict]:
    for match in _DELETE.finditer(text):
        yield from _unbounded(match, "sql_delete_all", 0.85)
    for match in _UPDATE.finditer(text):
        yield from _unbounded(match, "sql_update_all", 0.7)
    for match in _TRUNCATE.finditer(text):
        scratch = bool(_SCRATCH_TABLE.search(match.group(1)))
        yield destructive(0.3 if scratch else 0.75, "sql_truncate", askable=True)
    for match in _DROP.finditer(text):
        yield from _judge_drop(match.group(2).upper(), match.group(3), temporary=bool(match.group(1)))
    if _DROP_COLUMN.search(text):
        yield destructive(0.5, "sql_drop_column", askable=True)
    if _RECURSIVE.search(text) and not re.search(r"\blimit\b|\bwhere\b|<", text, re.IGNORECASE):
        yield denial(0.65, "sql_endless_recursion")


def _unbounded(match: re.Match[str], rule: str, level: float) -> Iterator[Verdict]:
    table, rest = match.group(1), match.group(2)
    where = re.search(r"\bwhere\b(.*)", rest, re.IGNORECASE | re.DOTALL)
    if where and not re.fullmatch(
        r"\s*\(?\s*" + _TRUE + r"\s*\)?\s*(?:--.*)?", where.group(1), re.IGNORECASE | re.DOTALL
    ):
        return
    if re.search(r"\blimit\s+\d{1,4}\b|\bjoin\b|\bcurrent of\b|\busing\b", rest, re.IGNORECASE):
        yield destructive(0.35, rule)
        return
    marked = _SCRATCH_TABLE.search(table) or re.search(
        r"--.*\b(?:staging|test|copy|dev)\b", match.string[match.end() : match.end() + 120], re.IGNORECASE
    )
    yield destructive(0.4 if marked else level, rule, askable=True)
