"""FF1 against the nine sample vectors of NIST, and its round trips."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardhouse.redaction.ff1 import FF1, LEAST_DOMAIN, LONGEST, domain_size

SYMBOLS = "0123456789abcdefghijklmnopqrstuvwxyz"
KEY_128 = "2B7E151628AED2A6ABF7158809CF4F3C"
KEY_192 = KEY_128 + "EF4359D8D580AA4F"
KEY_256 = KEY_192 + "7F036D6F04FC6A94"
SHORT, LONG = "0123456789", "0123456789abcdefghi"
TWEAK_10, TWEAK_36 = "39383736353433323130", "3737373770717273373737"


def numbers(text: str) -> list[int]:
    return [SYMBOLS.index(char) for char in text]


@pytest.mark.parametrize(
    ("key", "radix", "tweak", "plain", "expected"),
    [
        pytest.param(KEY_128, 10, "", SHORT, "2433477484", id="sample-1"),
        pytest.param(KEY_128, 10, TWEAK_10, SHORT, "6124200773", id="sample-2"),
        pytest.param(KEY_128, 36, TWEAK_36, LONG, "a9tv40mll9kdu509eum", id="sample-3"),
        pytest.param(KEY_192, 10, "", SHORT, "2830668132", id="sample-4"),
        pytest.param(KEY_192, 10, TWEAK_10, SHORT, "2496655549", id="sample-5"),
        pytest.param(KEY_192, 36, TWEAK_36, LONG, "xbj3kv35jrawxv32ysr", id="sample-6"),
        pytest.param(KEY_256, 10, "", SHORT, "6657667009", id="sample-7"),
        pytest.param(KEY_256, 10, TWEAK_10, SHORT, "1001623463", id="sample-8"),
        pytest.param(KEY_256, 36, TWEAK_36, LONG, "xs8a0azh2avyalyzuwd", id="sample-9"),
    ],
)
def test_nist_samples(key: str, radix: int, tweak: str, plain: str, expected: str) -> None:
    """https://csrc.nist.gov/csrc/media/projects/cryptographic-standards-and-guidelines/documents/examples/ff1samples.pdf"""
    cipher = FF1(bytes.fromhex(key))
    encrypted = cipher.encrypt(numbers(plain), radix=radix, tweak=bytes.fromhex(tweak))
    assert "".join(SYMBOLS[symbol] for symbol in encrypted) == expected
    assert cipher.decrypt(encrypted, radix=radix, tweak=bytes.fromhex(tweak)) == numbers(plain)


@settings(max_examples=80, deadline=None)
@given(st.data(), st.integers(2, 70), st.binary(max_size=20), st.binary(min_size=32, max_size=32))
def test_round_trips(data: st.DataObject, radix: int, tweak: bytes, key: bytes) -> None:
    least = next(length for length in range(2, 40) if domain_size(radix, length) >= LEAST_DOMAIN)
    symbols = data.draw(st.lists(st.integers(0, radix - 1), min_size=least, max_size=60))
    cipher = FF1(key)
    encrypted = cipher.encrypt(symbols, radix=radix, tweak=tweak)
    assert len(encrypted) == len(symbols)
    assert all(0 <= symbol < radix for symbol in encrypted)
    assert cipher.decrypt(encrypted, radix=radix, tweak=tweak) == symbols


def test_the_longest_value_round_trips() -> None:
    cipher, symbols = FF1(bytes(32)), [index % 62 for index in range(LONGEST)]
    assert cipher.decrypt(cipher.encrypt(symbols, radix=62), radix=62) == symbols


@pytest.mark.parametrize(
    ("radix", "length"), [(10, 5), (2, 19), (36, 3), (1000, 1), (1, 30), (10, LONGEST + 1)], ids=str
)
def test_domains_that_are_too_small_or_too_long_are_refused(radix: int, length: int) -> None:
    with pytest.raises(ValueError, match="possible values"):
        FF1(bytes(32)).encrypt([0] * length, radix=radix)


def test_key_and_tweak_both_matter() -> None:
    symbols = numbers("123456789")
    results = {
        tuple(FF1(key).encrypt(symbols, radix=10, tweak=tweak))
        for key in (bytes(32), bytes(31) + b"\x01")
        for tweak in (b"", b"a", b"b")
    }
    assert len(results) == 6
