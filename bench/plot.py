"""The figures of bench/run as an SVG picture: a group of bars for each program, disk beside disk."""
COLORS = {"cold": "#b0b0b0", "whole_files": "#d8a25e", "pbrun": "#2b6cb0", "warm": "#7fb685"}
LABELS = {"cold": "cold", "whole_files": "whole files first", "pbrun": "pbrun", "warm": "warm"}
_BAR, _GAP, _LEFT, _WIDTH, _HEAD = 13, 14, 100, 460, 54


def _text(x, y, text, anchor="start", size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{text}</text>'


def _bar(x, y, width, color):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_BAR - 2}" fill="{color}"/>'


def _draw_disk(measured, left):
    """One column. Each program has a scale of its own: its cold start, or what is slower, is the full width."""
    parts = [_text(left, 22, f"{measured['disk']} disk, {measured['bytes_per_second'] / 1e6:.0f} MB/s", size=15)]
    y = _HEAD
    for result in measured["programs"]:
        median = result["median"]
        full = max(median.values())
        parts.append(_text(left + _LEFT - 8, y + 2 * _BAR + 2, result["program"], "end"))
        for way, color in COLORS.items():
            width = median[way] / full * (_WIDTH - _LEFT - 60)
            parts.append(_bar(left + _LEFT, y, width, color))
            parts.append(_text(left + _LEFT + width + 4, y + _BAR - 3, f"{median[way]:.3f} s", size=10))
            y += _BAR
        y += _GAP
    return parts, y


def draw(figures):
    parts, height = [], 0
    for i, measured in enumerate(figures["disks"]):
        drawn, bottom = _draw_disk(measured, 10 + i * (_WIDTH + 20))
        parts += drawn
        height = max(height, bottom)
    for i, (way, color) in enumerate(COLORS.items()):
        parts.append(_bar(10 + i * 130, height + 4, 14, color))
        parts.append(_text(28 + i * 130, height + 14, LABELS[way]))
    width = len(figures["disks"]) * (_WIDTH + 20)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height + 26}" '
            f'font-family="sans-serif">\n<rect width="100%" height="100%" fill="white"/>\n'
            + "\n".join(parts) + "\n</svg>\n")
