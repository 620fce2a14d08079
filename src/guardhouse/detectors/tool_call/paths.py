"""What a path stands for: how much is lost with it, and how secret it is. Plain string work, linear in the path."""

from __future__ import annotations

import posixpath
import re
from enum import IntEnum

from guardhouse.detectors.tool_call.wordset import word_set

MAX_PATH = 1024


class Place(IntEnum):
    """How far a deletion at a path reaches, ordered."""

    ORDINARY = 0
    SCRATCH = 1
    HERE = 2
    """The whole working folder: `*`, `.`."""
    SYSTEM_FILE = 3
    """One thing that the system needs to start or let people in, or its log."""
    DATA = 4
    """All data of a service or a share: `/srv/*`, `/mnt/share`."""
    SYSTEM = 5
    """A home, a system folder, or everything."""


_SCRATCH = re.compile(
    r"(?:^|/)(?:node_modules|\.?cache|caches|tmp|temp|dist|build|target|out|\.next|\.nuxt|\.tox|\.venv|venv|__pycache__"
    r"|\.pytest_cache|\.mypy_cache|coverage|\.gradle|DerivedData|\.terraform|logs?|\.Trash|vendor|bin/Debug)(?:/|$)",
    re.IGNORECASE,
)
_TOP = word_set(
    "bin boot dev etc home lib lib32 lib64 opt proc root sbin sys usr var users system library"
    " applications volumes windows"
)
_DATA_TOP = word_set("srv mnt media data backup backups storage nfs export shares")
_HOME = re.compile(
    r"^(?:~[\w.-]*|\$\{?HOME\}?|\$env:userprofile|\$env:homepath|%userprofile%|%homepath%)", re.IGNORECASE
)
_HOME_PATH = re.compile(r"^/(?:home|users)(?:/[^/]+)?$", re.IGNORECASE)
_HOME_DATA = re.compile(
    r"^~/(?:Documents|Desktop|Pictures|Downloads|Music|Movies|Library|\.ssh|\.gnupg|\.aws|\.config"
    r"|\.kube|Mail|Maildir)$",
    re.IGNORECASE,
)
_WINDOWS_ROOT = re.compile(r"^(?:[a-z]:|%systemdrive%|\$env:systemdrive|%homedrive%)$", re.IGNORECASE)
_WINDOWS_SYSTEM = re.compile(
    r"^(?:[a-z]:|%systemdrive%)/(?:windows(?:/system32(?:/(?:drivers"
    r"|config))?)?|users(?:/[^/]+)?|program files(?: \(x86\))?"
    r"|programdata)$|^(?:%windir%|%systemroot%|\$env:(?:windir|systemroot))(?:/system32)?$",
    re.IGNORECASE,
)
_SYSTEM_FILE = re.compile(
    r"^/(?:etc/(?:passwd|g?shadow|group|sudoers(?:\.d)?|fstab|hosts|ssh|ssl|pam\.d|security|systemd|netplan|init\.d"
    r"|resolv\.conf|rc\.local|cron\w*|profile|ld\.so[\w.]*|default|modprobe\.d|kernel|apt"
    r"|yum\.repos\.d|bash\.bashrc)(?:[-/]|$)"
    r"|boot/|(?:usr/)?s?bin/|(?:usr/)?lib(?:32|64)?/[^/]*$|usr/share/(?:base-passwd|pam|dict|doc|man)(?:/|$)"
    r"|sys/|proc/|root/\.|var/log/?$|var/log/(?:audit|auth|secure|wtmp|btmp|lastlog|syslog|messages"
    r"|system|journal|faillog|\*)"
    r"|var/lib/?$|var/lib/(?:dpkg|rpm|apt|mysql|postgresql|docker|etcd|mongodb)/?$|var/spool/(?:cron"
    r"|mail)|var/(?:mail|www|backups?)/?$)"
)
_DISK = re.compile(
    r"^(?:/dev/(?:[shv]d[a-z?*]|xvd[a-z?*]|nvme\d+n\d+|mmcblk\d+|r?disk\d+|md\d+|dm-\d+|mapper/\S+|disk/\S+)[\w?*]*"
    r"|\\\\\.\\physicaldrive\d+)$",
    re.IGNORECASE,
)
_FIRST_DISK = re.compile(
    r"^(?:/dev/(?:[sv]da|xvda|nvme0n1|mmcblk0|r?disk[01]|mapper/|sd\?|sd\*)|\\\\\.\\physicaldrive0)", re.IGNORECASE
)
_SECRETS: tuple[tuple[float, re.Pattern[str]], ...] = (
    (
        0.9,
        re.compile(
            r"/etc/(?:master\.)?shadow|/etc/gshadow|/master\.passwd|/etc/security/opasswd"
            r"|\.ssh/(?:id_|identity|\*|$|[^/]*(?:_rsa|_ed25519|_ecdsa|_dsa|_key)(?!\.pub))|\bid_(?:rsa"
            r"|ed25519|ecdsa|dsa)\b(?!\.pub)|\.ssh/?$"
            r"|\.aws/(?:credentials|\*)?$|\.netrc\b|\.pgpass\b|\.git-credentials|\.kube/config|\.gnupg\b|\.vault-token"
            r"|gcloud/(?:credentials|access_tokens|application_default)|application_default_credentials"
            r"|\.azure/|msal_token_cache"
            r"|/proc/(?:self|\d+|\*)/environ|/etc/ssl/private|ntds\.dit|/etc/krb5\.keytab|/etc/kubernetes/(?:admin|pki)"
            r"|serviceaccount/token|\bwallet\.dat\b|login data\b|\blogins\.json|\bkey[34]\.db|cookies\.sqlite"
            r"|login\.keychain"
            r"|(?:chrome|chromium|edge|brave)\S*/(?:default/)?(?:cookies|local state)|keychains/"
            r"|system32[/\\]config[/\\](?:sam|system|security)\b"
            r"|microsoft[/\\](?:credentials|protect|vault)\b|\bconsolehost_history|kdbx\b",
            re.IGNORECASE,
        ),
    ),
    (
        0.6,
        re.compile(
            r"(?:^|/)\.env(?:\.(?:prod\w*|local|staging|live))?$|(?:^|/)secrets?(?:\.(?:ya?ml|json|toml|env"
            r"|txt)|/)|\.docker/config\.json|\.npmrc$|\.pypirc$"
            r"|(?:^|/)credentials?(?:\.\w+)?$|/var/lib/(?:postgresql|mysql)\b|\bservice[-_]?account\S*\.json"
            r"|\.p(?:12|fx)$"
            r"|private[_-]?key|(?:^|[/_-])priv\w*\.(?:pem|key)$|\.(?:bash|zsh|psql|mysql)_history|(?:^"
            r"|/)passwords?(?:\.\w+)?$"
            r"|/etc/sudoers|\bterraform\.tfstate|unattend\.xml|\.config/gh/hosts|/etc/openvpn|\.ovpn$"
            r"|/var/mail\b|maildir|mail spool|/etc/pam",
            re.IGNORECASE,
        ),
    ),
    (
        0.45,
        re.compile(
            r"/etc/passwd\b|/etc/group\b|\.(?:pem|key)$|/etc/ssh/|/var/log/(?:auth|secure|faillog|audit)", re.IGNORECASE
        ),
    ),
)
_BROAD = re.compile(
    r"^(?:/|~|/etc|/home(?:/[^/]+)?|/root|/var(?:/(?:lib|www|mail|backups?))?|/srv|/usr|/opt"
    r"|/mnt(?:/[^/]+)?|~/Documents|~/Desktop)$",
    re.IGNORECASE,
)


def clean_path(path: str) -> str:
    """`path` with quotes and trailing globs off, the home as `~`, `\\` as `/`, `.` and `..` resolved."""
    text = path[:MAX_PATH].strip("\"'` ").replace("\\", "/")
    text = text.removeprefix("file://")
    text = _HOME.sub("~", text, count=1) if not text.startswith("~") else text
    absolute = text.startswith("/")
    text = re.sub(r"(?:/(?:\*|\.\*|\{[^}]*\}|\.))+/?$", "", text)
    if not text:
        return "/" if absolute else "."
    text = posixpath.normpath(text)
    return "/" + text.lstrip("/") if absolute else text


def place_of(path: str) -> Place:
    """How far a deletion at `path` reaches."""
    raw = path.strip("\"'` ")
    if raw in ("*", ".", "./", "./*", ".*", "..", "../*", "../", "*.*"):
        return Place.HERE
    clean = clean_path(raw)
    if clean in ("/", "~") or _WINDOWS_ROOT.match(clean) or _WINDOWS_SYSTEM.match(clean) or _HOME_PATH.match(clean):
        return Place.SYSTEM
    if _HOME_DATA.match(clean):
        return Place.SYSTEM
    parts = clean.lower().strip("/").split("/")
    if clean.startswith("/"):
        if len(parts) == 1 and parts[0] in _TOP:
            return Place.SYSTEM
        if len(parts) == 2 and parts[0] == "usr" and parts[1] in ("lib", "bin", "sbin", "local", "share"):
            return Place.SYSTEM
        if _SYSTEM_FILE.match(clean):
            return Place.SYSTEM_FILE
        if parts[0] in _DATA_TOP and (len(parts) == 1 or (len(parts) == 2 and parts[0] in ("mnt", "media"))):
            return Place.DATA
        if _CLEARED.match(raw) and parts[0] in _DATA_TOP:
            return Place.DATA
    return Place.SCRATCH if _SCRATCH.search(clean) else Place.ORDINARY


_CLEARED = re.compile(r"^/(?:srv|mnt|media|data|backups?)/[^/]+/\*$")


def is_disk(path: str) -> bool:
    """True for a whole disk, a partition or a mapped volume."""
    return bool(_DISK.match(path.strip("\"'")))


def is_first_disk(path: str) -> bool:
    """True for the disk that a machine usually starts from, and for `all of them`."""
    return bool(_FIRST_DISK.match(path.strip("\"'")))


def secrecy(path: str) -> float:
    """0.0 for what anybody may read, up to 0.9 for keys and password stores."""
    text = path[:MAX_PATH].strip("\"'` ").replace("\\\\", "/").replace("\\ ", " ").replace("\\", "/")
    if len(text) > 4 and ("/../" in text or "//" in text) and "://" not in text:
        text = posixpath.normpath(text)
    if text.endswith((".pub", ".example", ".sample", ".template", ".dist")):
        return 0.0
    return next((level for level, shape in _SECRETS if shape.search(text)), 0.0)


def is_broad(path: str) -> bool:
    """True for whole trees that hold people's data or the system's configuration."""
    return bool(_BROAD.match(clean_path(path)))
