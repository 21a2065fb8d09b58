"""The figures of bench/run as an SVG picture: a group of bars for each program, disk beside disk."""
# For a light page and for a dark one.
COLORS = {"cold": ("#8c959f", "#6e7681"), "whole_files": ("#d8a25e", "#b08040"), "pbrun": ("#0969da", "#58a6ff"),
          "warm": ("#7fb685", "#56915c")}
GROUND, TEXT = ("#ffffff", "#0d1117"), ("#24292f", "#e6edf3")
LABELS = {"cold": "cold", "whole_files": "whole files first", "pbrun": "pbrun", "warm": "warm"}
_BAR, _GAP, _LEFT, _WIDTH, _HEAD = 13, 14, 100, 460, 54


def _text(x, y, text, anchor="start", size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{text}</text>'


def _bar(x, y, width, way):
    return f'<rect class="{way}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_BAR - 2}"/>'


def _style():
    def rules(i):
        return f"text {{ fill: {TEXT[i]} }} .ground {{ fill: {GROUND[i]} }} " + " ".join(
            f".{way} {{ fill: {color[i]} }}" for way, color in COLORS.items())
    return f"<style>\n{rules(0)}\n@media (prefers-color-scheme: dark) {{\n{rules(1)}\n}}\n</style>\n"


def _draw_disk(measured, left):
    """One column. Each program has a scale of its own: its cold start, or what is slower, is the full width."""
    parts = [_text(left, 22, f"{measured['disk']} disk, {measured['bytes_per_second'] / 1e6:.0f} MB/s", size=15)]
    y = _HEAD
    for result in measured["programs"]:
        median = result["median"]
        full = max(median.values())
        parts.append(_text(left + _LEFT - 8, y + 2 * _BAR + 2, result["program"], "end"))
        for way in COLORS:
            width = median[way] / full * (_WIDTH - _LEFT - 60)
            parts.append(_bar(left + _LEFT, y, width, way))
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
    for i, way in enumerate(COLORS):
        parts.append(_bar(10 + i * 130, height + 4, 14, way))
        parts.append(_text(28 + i * 130, height + 14, LABELS[way]))
    width = len(figures["disks"]) * (_WIDTH + 20)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height + 26}" '
            f'font-family="sans-serif">\n{_style()}<rect class="ground" width="100%" height="100%"/>\n'
            + "\n".join(parts) + "\n</svg>\n")
