"""Plots as plain SVG, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, MARGIN = 420, 320, 48
COLOURS = ("#2563eb", "#d97706", "#059669", "#9333ea")
Point = tuple[float, float]


def lines_svg(
    series: Mapping[str, Sequence[Point]], *, title: str, across: str, up: str, diagonal: bool = False
) -> str:
    """Lines through points of the unit square, one colour and one legend entry each; axes from 0 to 1."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="11" role="img" aria-label="{title}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{WIDTH / 2}" y="18" text-anchor="middle" font-size="13" fill="#111827">{title}</text>',
    ]
    for step in range(6):
        value = step / 5
        x, y = _at(value, value)
        parts.append(
            f'<path d="M{x} {_at(0, 0)[1]}V{_at(0, 1)[1]}M{_at(0, 0)[0]} {y}H{_at(1, 0)[0]}" stroke="#e5e7eb"/>'
        )
        parts.append(f'<text x="{x}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle" fill="#374151">{value:.1f}</text>')
        parts.append(f'<text x="{MARGIN - 6}" y="{y + 4}" text-anchor="end" fill="#374151">{value:.1f}</text>')
    if diagonal:
        (x0, y0), (x1, y1) = _at(0, 0), _at(1, 1)
        parts.append(f'<path d="M{x0} {y0}L{x1} {y1}" stroke="#9ca3af" stroke-dasharray="4 4"/>')
    for index, (name, points) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = "L".join(f"{x} {y}" for x, y in (_at(*point) for point in points))
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>' for x, y in (_at(*point) for point in points[:40])
        ]
        top = HEIGHT - MARGIN - 14 * (len(series) - index)
        parts.append(f'<text x="{WIDTH - MARGIN - 4}" y="{top}" text-anchor="end" fill="{colour}">{name}</text>')
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle" fill="#111827">{across}</text>')
    parts.append(
        f'<text x="14" y="{HEIGHT / 2}" text-anchor="middle" fill="#111827" '
        f'transform="rotate(-90 14 {HEIGHT / 2})">{up}</text>'
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _at(x: float, y: float) -> Point:
    """Where a point of the unit square lies on the page."""
    inner_width, inner_height = WIDTH - 2 * MARGIN + 20, HEIGHT - 2 * MARGIN + 10
    return round(MARGIN + x * inner_width, 1), round(HEIGHT - MARGIN - y * inner_height, 1)


def reliability(positive: Sequence[float], negative: Sequence[float]) -> list[Point]:
    """By bin of confidence: its mean, and the share of attacks in it. Bins with fewer than five texts are left out."""
    bins: dict[int, list[tuple[float, int]]] = {}
    for values, label in ((positive, 1), (negative, 0)):
        for value in values:
            bins.setdefault(min(int(value * 10), 9), []).append((value, label))
    return [
        (sum(value for value, _ in inside) / len(inside), sum(label for _, label in inside) / len(inside))
        for _, inside in sorted(bins.items())
        if len(inside) >= 5
    ]


def trade_off(positive: Sequence[float], negative: Sequence[float]) -> list[Point]:
    """Thresholds from high to low: the share of harmless texts flagged, and that of attacks caught."""
    points = []
    for step in range(101):
        limit = 1 - step / 100
        caught = sum(value >= limit for value in positive) / max(1, len(positive))
        points.append((sum(value >= limit for value in negative) / max(1, len(negative)), caught))
    return points
