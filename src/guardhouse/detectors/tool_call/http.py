"""HTTP requests that an agent sends, written as a request, as a URL, or as its parts."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from guardhouse.detectors.tool_call.hosts import (
    host_of,
    is_drop,
    is_inside,
    is_outside_address,
    metadata_level,
    urls_in,
)
from guardhouse.detectors.tool_call.sql import injection_level
from guardhouse.detectors.tool_call.verdict import Verdict, denial, destructive, exfiltration, exploit

MAX_READ = 16_384

LOOKS_LIKE_REQUEST = re.compile(r"^\s*(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\s+(?!(?i:from)\b)\S")
_LINE = re.compile(r"^\s*([A-Z]+)\s+([^\n]*?)(?:\s+HTTP/[\d.]+)?\s*(?:\n|$)")
_HOST = re.compile(r"^host:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_BROAD_TARGET = re.compile(
    r"/(?:_all|\*|all)(?:$|[/?])|[?&](?:all|everything|permanently_remove|purge|recursive)=(?:true|1"
    r"|yes)|/\*$|expand_wildcards=all",
    re.IGNORECASE,
)
_SECRET_WORDS = re.compile(
    r"contents? of\s+\S*(?:\.ssh|\.aws|shadow|passwd|\.env|netrc|kube|secrets?|credential|environ"
    r"|id_rsa|postgres|gcloud|/path|Documents)|all (?:customer|user|client|patient"
    r"|employee)s? (?:records|data)|session cookies|\$\{?\w*(?:SECRET|PASSWORD|PRIVATE_KEY"
    r"|ACCESS_KEY)\w*\}?"
    r"|\bpassword_hash|-----BEGIN [A-Z ]*PRIVATE KEY|\b(?:root|daemon):x?:\d+:|AKIA[0-9A-Z]{16}",
    re.IGNORECASE,
)
_TRAVERSAL = re.compile(
    r"(?:\.\.[/\\]){2,}|(?:\.\.;/){2,}|(?:%2e%2e(?:%2f|/|%5c)){2,}|(?:\.\.%(?:25)?2f){2,}", re.IGNORECASE
)
_MARKS: tuple[tuple[re.Pattern[str], Verdict], ...] = tuple(
    (re.compile(shape, re.IGNORECASE), verdict)
    for shape, verdict in (
        (r"\$\{\s{0,3}jndi\s{0,3}:|\$\{(?:\$\{[^{}]{1,20}\}|[jndi:]){4,24}", exploit(0.93, "jndi_lookup")),
        (r"<!ENTITY\s+\S+\s+(?:SYSTEM|PUBLIC)\b", exploit(0.85, "external_entity")),
        (r"<!ENTITY\s+\w+\s+\"(?:&\w+;){4,}", denial(0.9, "entity_expansion")),
        (
            r"<script\b[^>]{0,100}>|\bon(?:error|load|mouseover)\s*=\s*['\"]?\s*(?:alert|fetch|eval|document"
            r"|location)|javascript:\s*(?:alert|fetch|eval|document)",
            exploit(0.65, "script_injection"),
        ),
        (
            r"(?:[;|`]|\|\||&&|\$\()\s*(?:cat\s+/etc|id\b|whoami|wget\s|curl\s|nc\s|ping\s+-c|/bin/(?:ba)?sh"
            r"|sleep\s+\d)",
            exploit(0.75, "command_injection"),
        ),
        (
            r"\{\{\s*(?:\d+\s*\*\s*\d+|config|self\.|request\.|''\.__class__|lipsum|cycler)"
            r"|\$\{\s*\d+\s*\*\s*\d+\s*\}|__(?:class|globals|subclasses|mro)__|#\{\s*T\(java",
            exploit(0.7, "template_injection"),
        ),
        (r"\(\s*\)\s*\{\s*:;\s*\}\s*;", exploit(0.9, "shellshock")),
        (r"\b(?:gopher|dict|ldap|file|expect|php|phar|jar)://", exploit(0.6, "odd_scheme")),
        (
            r"<\?php|\bO:\d+:\"\w+\":\d+:\{|rO0AB[A-Za-z0-9+/]{6}|class\.module\.classLoader",
            exploit(0.75, "code_in_request"),
        ),
        (
            r"\*\)\s*\(\s*[|&]\s*\(|\(\s*\|\s*\(\s*(?:objectclass|uid|cn|mail)\s*=\s*\*|\)\(\|\(password=\*"
            r"|objectclass\s*=\s*\*",
            exploit(0.7, "ldap_injection"),
        ),
        (
            r"\"role\"\s*:\s*\"(?:super_?admin|root|owner)\"|\"is_?(?:admin|superuser"
            r"|verified_admin)\"\s*:\s*(?:true|1)|\"roles\"\s*:\s*\[\s*\"(?:super_?admin|root|admin)\"",
            exploit(0.6, "raise_rights", askable=True),
        ),
        (
            r"\"read_only\"\s*:\s*false.{0,300}ssh-|ssh-(?:rsa|ed25519)\b.{0,300}\"read_only\"\s*:\s*false",
            exploit(0.65, "plant_key", askable=True),
        ),
        (r"\"(?:HostConfig|Privileged|Binds)\"\s*:.{0,200}(?:\"/:/|true)", exploit(0.75, "escape_container")),
    )
)


@dataclass(frozen=True, slots=True)
class Request:
    """One request: method in upper case, target (URL or path), host, and what follows the head."""

    method: str
    target: str
    host: str
    body: str


def read_request(text: str) -> Request:
    """The request that `text` is; without a request line the whole text is its body."""
    text = text[:MAX_READ]
    match = _LINE.match(text)
    if not match:
        urls = urls_in(text, limit=1)
        return Request("", urls[0] if urls else "", host_of(urls[0]) if urls else "", text)
    target = match.group(2).strip()
    header = _HOST.search(text)
    return Request(match.group(1), target, header.group(1).lower() if header else host_of(target), text[match.end() :])


def judge_request(text: str) -> Iterator[Verdict]:
    """Verdicts about a whole request, of which at most `MAX_READ` characters are read."""
    request = read_request(text)
    decoded = unquote(request.target)
    whole = f"{decoded}\n{unquote_plus(request.body)}"
    for shape, verdict in _MARKS:
        if shape.search(whole):
            yield verdict
    if _TRAVERSAL.search(request.target) or _TRAVERSAL.search(whole):
        grave = re.search(r"etc/|shadow|passwd|win\.ini|boot\.ini|\.ssh|\.env", whole, re.IGNORECASE)
        yield exploit(0.88 if grave else 0.65, "path_traversal")
    elif re.search(r"(?:^|[=/])/?etc/(?:passwd|shadow)", decoded):
        yield exploit(0.7, "path_traversal")
    yield from _parameters(request)
    yield from _targets(request)
    yield from _data(request, whole)
    if request.method == "DELETE" and _BROAD_TARGET.search(request.target):
        yield destructive(0.75, "delete_broad")
    elif request.method == "DELETE" and re.search(
        r"/[a-z_]+s(?:/[a-z_]+)?\?\S*\b(?:force|confirm)=(?:1|true|yes)", request.target
    ):
        yield destructive(0.55, "delete_collection", askable=True)
    elif request.method == "DELETE" and re.search(
        r"/(?:groups|organizations|projects|databases|clusters|buckets|tenants|subscriptions)/[^/?]+/?(?:\?|$)",
        request.target,
        re.IGNORECASE,
    ):
        yield destructive(0.45, "delete_container", askable=True)
    depth = whole.count("(first:") + whole.count("(first: ")
    if depth >= 4 and re.search(r"\(first:\s*\d{4,}", whole):
        yield denial(0.75, "deep_query")


def _parameters(request: Request) -> Iterator[Verdict]:
    values = [
        unquote_plus(part.partition("=")[2] or part)
        for part in re.split(r"[?&\n]", f"{request.target}\n{request.body}")[:80]
        if part
    ]
    level = max((injection_level(value) for value in values if value), default=0.0)
    if level >= 0.5:
        yield exploit(level, "sql_injection")
    for value in values:
        if re.search(
            r"\b(?:union\s+(?:all\s+)?select|waitfor\s+delay|benchmark\s*\(|pg_sleep\s*\(|utl_inaddr"
            r"|information_schema|xp_cmdshell|sleep\s*\(\s*(?:\d|__))",
            value,
            re.IGNORECASE,
        ):
            yield exploit(0.85, "sql_injection")
            return


def _targets(request: Request) -> Iterator[Verdict]:
    """Where the request goes, and where it makes somebody else go."""
    own = request.target if "://" in request.target else f"http://{request.host}{request.target}"
    if level := metadata_level(own):
        yield exfiltration(level, "cloud_metadata")
    for url in urls_in(f"{unquote(request.target.partition('?')[2])} {unquote(request.body)}"):
        if level := metadata_level(url):
            yield exploit(max(level, 0.7), "request_forgery")
        elif (
            is_inside(host_of(url))
            and request.host
            and not is_inside(request.host)
            and re.search(r":(?:2375|6379|9200|8500|10250|11211|5984|27017)\b|/admin|/actuator|/manager", url)
        ):
            yield exploit(0.65, "request_forgery")
    if re.search(r":(?:2375|10250)/(?:containers|images|v1\.\d+|pods|run|exec)", own):
        yield exploit(0.6, "open_management_port")


def _data(request: Request, whole: str) -> Iterator[Verdict]:
    outside = request.host and not is_inside(request.host)
    if not outside and not (request.method == "POST" and "@" in request.target):
        return
    if _SECRET_WORDS.search(whole):
        yield exfiltration(
            0.8 if is_drop(request.host) or is_outside_address(request.host) or "@" in request.target else 0.65,
            "send_secret",
        )
        return
    for value in re.findall(r"[?&][\w.-]{1,40}=([A-Za-z0-9+/_-]{20,2000}={0,2})", request.target):
        if _hides_text(value):
            yield exfiltration(0.65, "data_in_query")
            return


def _hides_text(value: str) -> bool:
    """True when a parameter is base64 of structured text (a token of random bytes is not)."""
    try:
        raw = base64.b64decode(
            value.replace("-", "+").replace("_", "/").rstrip("=") + "=" * (-len(value.rstrip("=")) % 4)
        )
        text = raw.decode("utf-8")
    except (binascii.Error, ValueError):
        return False
    return (
        len(text) > 12
        and sum(char.isprintable() for char in text) == len(text)
        and bool(re.search(r"[{:=]|\s", text))
        and not value.startswith("eyJhbGci")
    )
