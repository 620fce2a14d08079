"""What a host or URL stands for: inside, a known installer, a place where things are dropped, cloud metadata."""

from __future__ import annotations

import re
from ipaddress import ip_address

import can_ada

from guardhouse.detectors.tool_call.wordset import word_set

_PRIVATE = re.compile(
    r"^(?:localhost|host\.docker\.internal|0\.0\.0\.0|::1|[^.:]+|.*\.(?:local|localhost|internal"
    r"|intern|lan|home|corp|test|svc|cluster\.local))$",
    re.IGNORECASE,
)
_INSTALLERS = re.compile(
    r"^(?:sh\.rustup\.rs|get\.(?:docker\.com|k3s\.io|rke2\.io|helm\.sh|pnpm\.io|volta\.sh|sdkman\.io"
    r"|rvm\.io|pulumi\.com|haskellstack\.org|acme\.sh|jenv\.be|influxdata\.com)"
    r"|(?:raw|gist)\.githubusercontent\.com|github\.com|astral\.sh|bun\.sh|deno\.land|nixos\.org"
    r"|install\.python-poetry\.org|deb\.nodesource\.com"
    r"|rpm\.nodesource\.com|install\.(?:determinate\.systems|duckdb\.org)|starship\.rs|ollama\.com"
    r"|fnm\.vercel\.app|pkgx\.sh|pyenv\.run|sh\.brew\.sh"
    r"|install\.meteor\.com|cli\.doppler\.com|packagecloud\.io|tailscale\.com|fly\.io|getcomposer\.org"
    r"|bootstrap\.pypa\.io|just\.systems|mise\.run"
    r"|dl\.google\.com|packages\.microsoft\.com|aka\.ms|awscli\.amazonaws\.com|sdk\.cloud\.google\.com"
    r"|chocolatey\.org|community\.chocolatey\.org"
    r"|get\.scoop\.sh|scoop\.sh|nodejs\.org|yarnpkg\.com|ghcup\.haskell\.org|get-ghcup\.haskell\.org"
    r"|wasmtime\.dev|foundry\.paradigm\.xyz|zed\.dev|warp\.dev|atuin\.sh|setup\.atuin\.sh)$",
    re.IGNORECASE,
)
_DROPS = re.compile(
    r"(?:^|\.)(?:webhook\.site|requestbin\.\w+|requestcatcher\.com|pipedream\.net|beeceptor\.com"
    r"|ngrok(?:-free)?\.(?:io|app)|burpcollaborator\.net"
    r"|oast\.\w+|oastify\.com|interact\.sh|interactsh\.com|transfer\.sh|file\.io|0x0\.st|pastebin\.com"
    r"|hastebin\.com|paste\.ee|ix\.io|termbin\.com"
    r"|anonfiles\.com|gofile\.io|bashupload\.com|dnslog\.cn|canarytokens\.com|trycloudflare\.com"
    r"|serveo\.net|discord(?:app)?\.com|api\.telegram\.org"
    r"|mega\.nz|temp\.sh|catbox\.moe|ghostbin\.\w+|rentry\.co)$"
    r"|(?:^|[.-])(?:evil|attacker|exfil|malicious|malware|mallory|hacker|c2|collector|drop|leak)(?:[.-]|$)",
    re.IGNORECASE,
)
_METADATA_HOSTS = word_set("169.254.169.254 metadata.google.internal 100.100.100.200 fd00:ec2::254 169.254.170.2")
_CREDENTIAL_PATH = re.compile(
    r"security-credentials|iam/?info|/token|identity|credentials|service-accounts|user-data|/v1/json|ram/",
    re.IGNORECASE,
)
_URL = re.compile(r"\b(?:https?|ftps?|wss?|tftp|ldaps?|gopher|rsync|dict)://[^\s\"'<>`|;)]{1,2000}", re.IGNORECASE)
_REMOTE = re.compile(r"^(?:[\w.+-]+@)?(\[[0-9a-fA-F:]+\]|[\w.-]+):(?!//|\\)(?![0-9]+$)")
_BARE_HOST = re.compile(r"^(?:[\w.+-]+@)?((?:[\w-]+\.)+[A-Za-z][\w-]+|\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?(?:/\S*)?$")


def urls_in(text: str, *, limit: int = 50) -> list[str]:
    """URLs with a scheme in `text`, at most `limit`."""
    return [match.group() for _, match in zip(range(limit), _URL.finditer(text), strict=False)]


def host_of(word: str) -> str:
    """The host that a URL, `user@host:path`, `host:port` or bare host names, in lower case; empty when none.

    Decimal, octal and hexadecimal addresses come out as plain addresses, Unicode hosts as punycode.
    """
    word = word.strip("\"'<>")[:2048]
    if "://" in word:
        try:
            return str(can_ada.parse(word).hostname).strip("[]").lower()
        except ValueError:
            return ""
    if match := _REMOTE.match(word):
        return match.group(1).strip("[]").lower()
    if match := _BARE_HOST.match(word):
        return match.group(1).lower()
    return ""


def is_address(host: str) -> bool:
    """True for an IP address written as such."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


_DOCUMENTATION = re.compile(r"^(?:192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|2001:db8:)")


def is_inside(host: str) -> bool:
    """True for loopback, private and single-label hosts. Documentation addresses count as outside."""
    if not host or _PRIVATE.match(host):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_private and not _DOCUMENTATION.match(host)


def is_outside_address(host: str) -> bool:
    """True for a bare address outside private ranges: nobody serves their own software from one."""
    return is_address(host) and not is_inside(host)


def is_installer(host: str) -> bool:
    """True for hosts whose pages tell people to pipe a script of theirs into a shell."""
    return bool(_INSTALLERS.match(host))


def is_drop(host: str) -> bool:
    """True for request bins, paste and file drops, tunnels, and hosts that say what they are."""
    return bool(_DROPS.search(host))


def metadata_level(url: str) -> float:
    """0.0 when `url` is not a cloud's metadata service, 0.85 where it hands out credentials, 0.3 elsewhere in it."""
    if host_of(url) not in _METADATA_HOSTS:
        return 0.0
    return 0.85 if _CREDENTIAL_PATH.search(url) else 0.3
