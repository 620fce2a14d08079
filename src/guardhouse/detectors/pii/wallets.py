"""Addresses of crypto currencies, each with the checksum its network gives it."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator, Mapping

from guardhouse.detectors.pii.readings import Reading

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE58 = {symbol: index for index, symbol in enumerate(_ALPHABET)}
_RIPPLE = {symbol: index for index, symbol in enumerate("rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz")}
_VERSIONS = {
    b"\x00": "bitcoin",
    b"\x05": "bitcoin",
    b"\x1e": "dogecoin",
    b"\x30": "litecoin",
    b"\x32": "litecoin",
    b"\x41": "tron",
    b"\x4c": "dash",
    b"\x10": "dash",
    b"\x1c\xb8": "zcash",
    b"\x1c\xbd": "zcash",
}
_BECH32 = {symbol: index for index, symbol in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CASH_GENERATOR = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)
_BECH32_NETWORKS = {"bc": "bitcoin", "ltc": "litecoin", "addr": "cardano"}
_MONERO_BLOCK, _MONERO_BYTES = 11, 8
_MONERO_TAIL_BYTES = 5


def read_base58(value: str) -> Iterator[Reading]:
    """A Base58Check address (Bitcoin and its like, Tron, Zcash): version and four bytes of double SHA-256."""
    number = _number(value, _BASE58)
    network = ""
    for width in (1, 2):
        payload = number.to_bytes(width + 25, "big")[1:] if number < 1 << 8 * (width + 24) else b""
        if payload and _double_sha_holds(payload):
            network = _VERSIONS.get(payload[:width], network)
    if network:
        yield Reading(0, len(value), facts={"network": network, "check": "base58check"})


def read_ripple(value: str) -> Iterator[Reading]:
    """An account of the XRP ledger: Base58Check in an alphabet of its own. Source: xrpl.org, Base58 encodings."""
    number = _number(value, _RIPPLE)
    payload = number.to_bytes(25, "big") if number < 1 << 192 else b""
    if payload and _double_sha_holds(payload):
        yield Reading(0, len(value), facts={"network": "ripple", "check": "base58check"})


def read_wallet_shape(value: str) -> Iterator[Reading]:
    """What has the length and letters of an address, whatever its checksum says: mistyped, it is still somebody's."""
    kinds = (str.isdigit, str.isupper, str.islower)
    if all(any(kind(symbol) for symbol in value[1:]) for kind in kinds) and len(set(value)) >= 10:
        yield Reading(0, len(value), facts={"check": "shape"})


def read_solana(value: str) -> Iterator[Reading]:
    """An address of Solana: 32 bytes in Base58, without a checksum."""
    if (1 << 240) <= _number(value, _BASE58) < (1 << 256):
        yield from read_wallet_shape(value)


def read_monero(value: str) -> Iterator[Reading]:
    """An address of Monero: blocks of eight bytes in Base58, the last four bytes of them Keccak-256."""
    body = b""
    for start in range(0, len(value), _MONERO_BLOCK):
        block = value[start : start + _MONERO_BLOCK]
        size = _MONERO_BYTES if len(block) == _MONERO_BLOCK else _MONERO_TAIL_BYTES
        number = _number(block, _BASE58)
        if number >= 1 << 8 * size:
            return
        body += number.to_bytes(size, "big")
    if body[0] in (18, 42) and keccak256(body[:-4])[:4] == body[-4:]:
        yield Reading(0, len(value), facts={"network": "monero", "check": "keccak256"})


def read_stellar(value: str) -> Iterator[Reading]:
    """An account of Stellar: base32 with CRC-16 (XModem). Source: SEP-23."""
    try:
        data = base64.b32decode(value)
    except ValueError:
        return
    if data[0] == 6 << 3 and binascii.crc_hqx(data[:-2], 0).to_bytes(2, "little") == data[-2:]:
        yield Reading(0, len(value), facts={"network": "stellar", "check": "crc16"})


def read_bech32(value: str) -> Iterator[Reading]:
    """A segregated witness or Cardano address. Source: BIP 173 (bech32), BIP 350 (bech32m), CIP-19."""
    text = value.lower()
    prefix, _, data = text.rpartition("1")
    if value not in (text, value.upper()) or any(symbol not in _BECH32 for symbol in data):
        return
    values = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + [_BECH32[c] for c in data]
    if prefix in _BECH32_NETWORKS and _polymod(values, _GENERATOR, 25) in (1, 0x2BC830A3):
        yield Reading(0, len(value), facts={"network": _BECH32_NETWORKS[prefix], "check": "bech32"})


def read_cash(value: str) -> Iterator[Reading]:
    """An address of Bitcoin Cash. Source: the CashAddr specification."""
    prefix, _, data = value.partition(":")
    values = [ord(c) & 31 for c in prefix] + [0] + [_BECH32[c] for c in data]
    if _polymod(values, _CASH_GENERATOR, 35) == 1:
        yield Reading(0, len(value), facts={"network": "bitcoin_cash", "check": "cashaddr"})


def _number(value: str, alphabet: Mapping[str, int]) -> int:
    number = 0
    for symbol in value:
        number = number * 58 + alphabet[symbol]
    return number


def _double_sha_holds(payload: bytes) -> bool:
    return hashlib.sha256(hashlib.sha256(payload[:-4]).digest()).digest()[:4] == payload[-4:]


def _polymod(values: Iterable[int], generator: tuple[int, ...], shift: int) -> int:
    """The checksum of both address formats: a remainder over GF(32), `shift` bits and five wide."""
    checksum = 1
    for item in values:
        top = checksum >> shift
        checksum = (checksum & ((1 << shift) - 1)) << 5 ^ item
        for bit in range(5):
            checksum ^= generator[bit] if top >> bit & 1 else 0
    return checksum


def read_ether(value: str) -> Iterator[Reading]:
    """An Ethereum address; one in mixed case must hold the checksum of EIP-55."""
    body = value[2:]
    if body in (body.lower(), body.upper()):
        yield from read_ether_shape(value)
    elif _eip55(body):
        yield Reading(0, len(value), facts={"network": "ethereum", "check": "eip55"})


def read_ether_shape(value: str) -> Iterator[Reading]:
    """An Ethereum address by its shape."""
    if len(set(value[2:])) >= 4:
        yield Reading(0, len(value), facts={"network": "ethereum", "check": "shape"})


def _eip55(body: str) -> bool:
    digest = keccak256(body.lower().encode("ascii")).hex()
    return all(c.isdigit() or c.isupper() == (int(digest[i], 16) >= 8) for i, c in enumerate(body))


_MASK = (1 << 64) - 1
_ROTATIONS = (0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14)


def _round_constants() -> tuple[int, ...]:
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if register & 1:
                constant |= 1 << ((1 << j) - 1)
            register = (register << 1) ^ (0x171 if register >> 7 else 0)
        constants.append(constant)
    return tuple(constants)


_CONSTANTS = _round_constants()


def keccak256(data: bytes) -> bytes:
    """Keccak-256 as Ethereum uses it: SHA-3 with the padding of the first submission. For up to 135 bytes."""
    if len(data) > 135:
        raise ValueError("keccak256 takes one block only, at most 135 bytes")
    block = bytearray(200)
    block[: len(data)] = data
    block[len(data)] ^= 0x01
    block[135] ^= 0x80
    lanes = [int.from_bytes(block[i : i + 8], "little") for i in range(0, 200, 8)]
    for constant in _CONSTANTS:
        parity = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        for x in range(5):
            nxt = parity[(x + 1) % 5]
            change = parity[(x + 4) % 5] ^ ((nxt << 1 | nxt >> 63) & _MASK)
            for y in range(0, 25, 5):
                lanes[x + y] ^= change
        moved = [0] * 25
        for i, lane in enumerate(lanes):
            x, y = i % 5, i // 5
            by = _ROTATIONS[i]
            moved[y + 5 * ((2 * x + 3 * y) % 5)] = (lane << by | lane >> (64 - by)) & _MASK if by else lane
        for y in range(0, 25, 5):
            row = moved[y : y + 5]
            for x in range(5):
                lanes[x + y] = row[x] ^ (~row[(x + 1) % 5] & _MASK & row[(x + 2) % 5])
        lanes[0] ^= constant
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])
