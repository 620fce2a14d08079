"""Tricks in links that no list knows: who a link pretends to be, what it runs, what it carries away.

Confidences stay under one half unless a trick has no honest use: many honest links look odd.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from guardhouse.detectors.malicious_entity.hosts import Link, address_of, registered_domain

_EXECUTABLE = re.compile(
    r"\.(?:exe|scr|msi|bat|cmd|ps1|vbs|vbe|jse?|hta|jar|apk|dll|com|pif|lnk|iso|img|dmg|pkg|sh|elf|bin"
    r"|mips|arm\d?|x86)$",
    re.IGNORECASE,
)
_BRANDS: dict[str, frozenset[str]] = {
    # A brand's name as it stands in look-alikes, and the domains that may bear it.
    "paypal": frozenset({"paypal.com", "paypal.me", "paypalobjects.com"}),
    "microsoft": frozenset({"microsoft.com", "microsoftonline.com", "azure.com", "microsoft365.com"}),
    "office365": frozenset({"office365.com", "office.com"}),
    "google": frozenset(
        {"google.com", "googleapis.com", "googleusercontent.com", "googlesource.com", "withgoogle.com"}
    ),
    "apple": frozenset({"apple.com", "cdn-apple.com", "apple.news"}),
    "icloud": frozenset({"icloud.com"}),
    "amazon": frozenset(
        {"amazon.com", "amazonaws.com", "amazon.de", "amazon.co.uk", "amazon.co.jp", "media-amazon.com"}
    ),
    "facebook": frozenset({"facebook.com", "facebook.net"}),
    "instagram": frozenset({"instagram.com"}),
    "whatsapp": frozenset({"whatsapp.com", "whatsapp.net"}),
    "netflix": frozenset({"netflix.com"}),
    "linkedin": frozenset({"linkedin.com"}),
    "dropbox": frozenset({"dropbox.com", "dropboxusercontent.com"}),
    "docusign": frozenset({"docusign.com", "docusign.net"}),
    "github": frozenset({"github.com", "github.io", "githubusercontent.com", "githubassets.com", "github.dev"}),
    "coinbase": frozenset({"coinbase.com"}),
    "binance": frozenset({"binance.com"}),
    "wellsfargo": frozenset({"wellsfargo.com"}),
    "bankofamerica": frozenset({"bankofamerica.com"}),
    "chase": frozenset({"chase.com"}),
    "dhl": frozenset({"dhl.com", "dhl.de"}),
    "fedex": frozenset({"fedex.com"}),
    "steamcommunity": frozenset({"steamcommunity.com"}),
    "telegram": frozenset({"telegram.org", "telegram.me"}),
    "metamask": frozenset({"metamask.io"}),
}
_LURE = re.compile(
    r"secure|login|signin|sign-in|verify|verif|account|update|support|billing|confirm|wallet|unlock"
    r"|alert|auth|password|recover",
    re.IGNORECASE,
)
_LOOK = str.maketrans({"0": "o", "1": "l", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "$": "s", "@": "a"})
_LATIN_LOOK = str.maketrans("аеорсухіӏԁвкмтнһјѕɡαορνιτ", "aeopcyxildbkmtnhjsgaopvit")
_SCRIPT_CALL = re.compile(
    r"(?:eval|fetch|document\.|location|window\.|alert|atob|XMLHttpRequest|import\()", re.IGNORECASE
)
_IMAGE_PATH = re.compile(
    r"\.(?:png|gif|jpe?g|svg|webp|bmp|ico)$|/(?:pixel|collect|track|log|beacon|img|image)s?$", re.IGNORECASE
)
_CARRIES = re.compile(
    r"(?:^|&)[\w-]{1,30}=(?:[A-Za-z0-9+/_%-]{24,}={0,2}|\{[^}]{1,60}\}|\[[A-Z_ ]{3,40}\]|<[^>]{1,40}>|\$\{?\w+|%7B)"
)


@dataclass(frozen=True, slots=True)
class Trick:
    """What is wrong with a link, in a word for the evidence, and how surely it is bad."""

    name: str
    confidence: float


def tricks_of(link: Link, *, image: bool = False) -> Iterator[Trick]:
    """The tricks in a link; `image` links are loaded without a click when the text is shown."""
    if link.scheme in ("javascript", "vbscript"):
        yield Trick("script_link", 0.6 if _SCRIPT_CALL.search(link.url) else 0.45)
        return
    if link.scheme == "data":
        if re.match(
            r"data:\s*(?:text/html|application/(?:x-)?javascript|text/javascript|image/svg\+xml)",
            link.url,
            re.IGNORECASE,
        ):
            yield Trick(
                "data_page", 0.55 if re.search(r"script|PHNjcmlwd|onload|onerror", link.url, re.IGNORECASE) else 0.4
            )
        return
    address = address_of(link.host)
    if (
        link.userinfo
        and "%40" not in link.userinfo
        and re.search(r"(?:[\w-]+\.)+[a-z]{2,}", link.userinfo.replace("%2E", "."), re.IGNORECASE)
    ):
        yield Trick("host_in_userinfo", 0.7)
    if (
        address is not None
        and link.given_host
        and link.given_host.strip("[]") != link.host
        and address.version == 4
        and _IS_NUMBER.match(link.given_host)
    ):
        yield Trick("disguised_address", 0.6)
    if address is not None and not address.is_private and not address.is_loopback and _EXECUTABLE.search(link.path):
        yield Trick("program_from_address", 0.55)
    if image and link.query and _CARRIES.search(link.query) and address is None:
        yield Trick("image_with_data", 0.45)
    elif image and address is not None and not address.is_private and link.query:
        yield Trick("image_with_data", 0.5)
    if address is None and (trick := looks_alike(link.host, link.given_host)):
        yield trick


_IS_NUMBER = re.compile(
    r"^(?:0x[0-9a-f]+|\d+|0[0-7]+)(?:\.(?:0x[0-9a-f]+|\d+))*\.?$|^[^\x00-\x7f.]|%[0-9a-f]{2}", re.IGNORECASE
)


def looks_alike(host: str, given: str = "") -> Trick | None:
    """The trick of a host that borrows a brand's name; None for the brand's own domains and for unrelated names."""
    shown = _unicode(host)
    plain = shown.translate(_LATIN_LOOK).translate(_LOOK)
    candidates = [brand for brand in _BRANDS if brand in plain.replace("rn", "m") or brand in plain]
    if not candidates:
        return None
    registered = registered_domain(host)
    label = registered.partition(".")[0]
    for brand in candidates:
        if registered in _BRANDS[brand]:
            return None
        folded = _unicode(label).translate(_LATIN_LOOK).translate(_LOOK)
        if label == brand:
            # The brand's name under another suffix is mostly the brand's own.
            continue
        if len(brand) >= 5 and (
            brand in (folded, folded.replace("rn", "m")) or (brand in folded and brand not in _unicode(label))
        ):
            return Trick("look_alike", 0.75 if not shown.isascii() else 0.6)
        pieces = re.split(r"[-.]", shown)
        if brand in pieces and (_LURE.search(shown) or ".com" in shown.removesuffix(registered)):
            return Trick("borrowed_name", 0.45)
    return None


def _unicode(host: str) -> str:
    if "xn--" not in host:
        return host
    try:
        return host.encode("ascii").decode("idna")
    except (UnicodeError, ValueError):
        return host
