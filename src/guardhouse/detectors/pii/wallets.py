"""Addresses of crypto currencies, each with the checksum its network gives it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from guardhouse.detectors.pii.readings import Reading

_BASE58 = {symbol: index for index, symbol in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}
_VERSIONS = {0x00: "bitcoin", 0x05: "bitcoin", 0x1E: "dogecoin", 0x30: "litecoin", 0x32: "litecoin", 0x41: "tron"}
_BECH32 = {symbol: index for index, symbol in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def read_base58(value: str) -> Iterator[Reading]:
    """A Base58Check address (Bitcoin, Litecoin, Dogecoin, Tron): version byte and four bytes of double SHA-256."""
    number = 0
    for symbol in value:
        number = number * 58 + _BASE58[symbol]
    payload = number.to_bytes(26, "big")[1:] if number < 1 << 200 else b""
    if len(payload) != 25 or payload[0] not in _VERSIONS:
        return
    if hashlib.sha256(hashlib.sha256(payload[:-4]).digest()).digest()[:4] == payload[-4:]:
        yield Reading(0, len(value), facts={"network": _VERSIONS[payload[0]], "check": "base58check"})


def read_bech32(value: str) -> Iterator[Reading]:
    """A segregated witness address. Source: BIP 173 (bech32) and BIP 350 (bech32m)."""
    text = value.lower()
    prefix, _, data = text.rpartition("1")
    if value not in (text, value.upper()) or any(symbol not in _BECH32 for symbol in data):
        return
    values = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + [_BECH32[c] for c in data]
    checksum = 1
    for item in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ item
        for bit in range(5):
            checksum ^= _GENERATOR[bit] if top >> bit & 1 else 0
    if checksum in (1, 0x2BC830A3):
        yield Reading(0, len(value), facts={"network": "bitcoin", "check": "bech32"})


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
