"""Geohashes: cells of longitude and latitude halved in turn, five bits a character."""

from __future__ import annotations

_ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"
LONGEST = 18
_STEPS = ((-1, 0), (-1, -1), (0, -1), (1, -1), (1, 1), (1, 0), (0, 1), (-1, 1))
"""Where the neighbours of a cell lie, in cells to the east and to the north, in the order that they are listed in."""


def encode(longitude: float, latitude: float, length: int) -> str:
    """The geohash of a place."""
    ranges = [[-180.0, 180.0], [-90.0, 90.0]]
    value, text = (longitude, latitude), ""
    bit = 0
    for _ in range(length):
        code = 0
        for _ in range(5):
            side = ranges[bit % 2]
            middle = (side[0] + side[1]) / 2
            upper = value[bit % 2] >= middle
            side[0 if upper else 1] = middle
            code = code << 1 | upper
            bit += 1
        text += _ALPHABET[code]
    return text


def decode(text: str) -> tuple[float, float, float, float] | None:
    """West, south, east and north of a geohash's cell; None where the text is none."""
    if not 1 <= len(text) <= LONGEST:
        return None
    ranges = [[-180.0, 180.0], [-90.0, 90.0]]
    bit = 0
    for character in text.lower():
        code = _ALPHABET.find(character)
        if code < 0:
            return None
        for shift in (16, 8, 4, 2, 1):
            side = ranges[bit % 2]
            side[0 if code & shift else 1] = (side[0] + side[1]) / 2
            bit += 1
    return ranges[0][0], ranges[1][0], ranges[0][1], ranges[1][1]


def neighbours(text: str) -> list[str] | None:
    """The cells around a cell, of its size; beyond a pole there is none."""
    cell = decode(text)
    if cell is None:
        return None
    west, south, east, north = cell
    found = []
    for right, up in _STEPS:
        longitude = (west + east) / 2 + right * (east - west)
        latitude = (south + north) / 2 + up * (north - south)
        if abs(latitude) < 90:
            found.append(encode((longitude + 180) % 360 - 180, latitude, len(text)))
    return found
