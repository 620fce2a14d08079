"""Tricks in links that no list knows: who a link pretends to be, what it runs, what it carries away.

Confidences stay under one half unless a trick has no honest use: many honest links look odd.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from urllib.parse import unquote_plus

from guardhouse.detectors.malicious_entity.hosts import Link, address_of, registered_domain
from guardhouse.detectors.malicious_entity.lexicon import brands, shorteners
from guardhouse.text.confusables import fold_confusables

_EXECUTABLE = re.compile(
    r"\.(?:exe|scr|msi|bat|cmd|ps1|vbs|vbe|jse?|hta|jar|apk|dll|com|pif|lnk|iso|img|dmg|pkg|sh|elf|bin"
    r"|mips|arm\d?|x86)$",
    re.IGNORECASE,
)
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


_SHOWN = 256
"""Code points of a user's name that are looked at: who wants to be seen as another host says so at the beginning."""

_NAMES_DATA = re.compile(
    r"secret|passw|api_?key|token|credential|conversation|chat_?(?:history|log)|history|system_?prompt|prompt|user_?data"
    r"|session|cookie|context|summary|private|ssn|card|e?mail|base64|encoded|exfil|stolen|leak",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"=[^&]{0,80}?(?:\{[^}&]{1,80}\}|\[[^\]&]{2,80}\]|<[^>&]{1,80}>|\$\{?\w+|%7B[^&]{1,80}%7D|%3C[^&]{1,80}%3E)"
)
_SHOUTED = re.compile(r"(?:^|&)[\w.-]{1,30}=[A-Z][A-Z0-9]*(?:[_+ -][A-Z0-9]+)*(?:&|$)")
_SIGNED = re.compile(
    r"(?:^|&)(?:jwt|sig|signature|x-amz-[a-z-]+|expires|se|hmac|policy|key-pair-id|token)=", re.IGNORECASE
)
"""Parameters of links that a store signed for a while: their long values are honest."""


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
        and re.search(r"(?:[\w-]+\.)+[a-z]{2,}", link.userinfo[:_SHOWN].replace("%2E", "."), re.IGNORECASE)
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
    if image and link.query and (trick := _carried(link, private=address is not None and address.is_private)):
        yield trick
    if link.host in shorteners() and link.path.strip("/"):
        yield Trick("shortener", 0.25)
    if address is None and (trick := looks_alike(link.host)):
        yield trick


def _carried(link: Link, *, private: bool) -> Trick | None:
    """The trick of a link that is loaded by itself and takes something along in its query."""
    query = unquote_plus(link.query)
    named = _NAMES_DATA.search(query) is not None
    if named and (_PLACEHOLDER.search(link.query) or _PLACEHOLDER.search(query) or _SHOUTED.search(query)):
        return Trick("image_with_data", 0.65)
    if address_of(link.host) is not None and not private:
        return Trick("image_with_data", 0.5)
    if _SIGNED.search(link.query):
        return None
    return Trick("image_with_data", 0.45) if _CARRIES.search(link.query) or _says_something(query) else None


def _says_something(query: str) -> bool:
    """True when a value is a sentence: three words or more."""
    return any(len(value.partition("=")[2].split()) >= 3 for value in query.split("&"))


_IS_NUMBER = re.compile(
    r"^(?:0x[0-9a-f]+|\d+|0[0-7]+)(?:\.(?:0x[0-9a-f]+|\d+))*\.?$|^[^\x00-\x7f.]|%[0-9a-f]{2}", re.IGNORECASE
)


@lru_cache(maxsize=4_096)
def looks_alike(host: str) -> Trick | None:
    """The trick of a host that borrows a brand's name or mixes scripts; None for the brand's own and other names."""
    shown = _unicode(host)
    whole = _folded(shown)
    borrowed = [brand for brand in brands() if brand in whole]
    if not borrowed and shown.isascii() and not any(label in _typed() for label in host.split(".")):
        return None
    registered = registered_domain(host)
    if not registered:
        return None
    shown_label = _unicode(registered).partition(".")[0]
    folded = _folded(shown_label)
    for brand in borrowed:
        if registered in brands()[brand]:
            return None
        if shown_label == brand:
            # The brand's name under another suffix is mostly the brand's own.
            continue
        if len(brand) >= 5 and (folded == brand or (brand in folded and brand not in shown_label)):
            return Trick("look_alike", 0.75 if not shown.isascii() else 0.6)
        pieces = re.split(r"[-.]", shown)
        if brand in pieces and (_LURE.search(shown) or ".com" in shown.removesuffix(registered)):
            return Trick("borrowed_name", 0.45)
    if not shown_label.isascii() and _mixes_scripts(shown_label):
        return Trick("mixed_scripts", 0.6)
    near = next((brand for brand in _typed().get(shown_label, ()) if registered not in brands()[brand]), None)
    return Trick("near_name", 0.4) if near else None


def _folded(name: str) -> str:
    """`name` in the Latin letters that it looks like; digits, accents and pairs of letters taken for letters too."""
    if not name.isascii():
        plain = fold_confusables(name).text.translate(_LATIN_LOOK)
        name = "".join(one for one in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(one))
    return name.translate(_LOOK).replace("rn", "m").replace("vv", "w")


def _mixes_scripts(label: str) -> bool:
    """True for Latin letters together with Cyrillic, Greek, Armenian or Cherokee ones, which nobody registers in good
    faith (Unicode Technical Standard 39, section 5.2)."""
    scripts = {unicodedata.name(letter, "?").partition(" ")[0] for letter in label if letter.isalpha()}
    return "LATIN" in scripts and bool(scripts & {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})


@cache
def _typed() -> dict[str, tuple[str, ...]]:
    """Names one slip away from a brand of six letters or more: a letter left out, doubled, or two swapped."""
    found: dict[str, tuple[str, ...]] = {}
    for brand in brands():
        if len(brand) < 6:
            continue
        for index in range(len(brand)):
            slips = {brand[:index] + brand[index + 1 :], brand[: index + 1] + brand[index:]}
            if index + 1 < len(brand):
                slips.add(brand[:index] + brand[index + 1] + brand[index] + brand[index + 2 :])
            for slip in slips - {brand}:
                found[slip] = (*found.get(slip, ()), brand)
    return found


def _unicode(host: str) -> str:
    if "xn--" not in host:
        return host
    return ".".join(map(_unicode_label, host.split(".")))


def _unicode_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return label
