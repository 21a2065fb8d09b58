#!/usr/bin/env bats
# packages: inkscape

load common

prepare() {
  cat >drawing.svg <<END
<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">
  <circle cx="32" cy="32" r="20" fill="teal"/><text x="5" y="60">pbrun</text>
</svg>
END
  command=(inkscape drawing.svg --export-type=png -o home/drawing.png)
}

outcome() {
  cksum <home/drawing.png
  rm -f home/drawing.png
}

@test "inkscape, SVG to PNG" {
  prepare
  runs_unchanged_and_prefetches env "${command[@]}"
}

@test "inkscape, SVG to PNG, by an ordinary user" {
  prepare
  runs_unchanged_and_prefetches as_ordinary_user "${command[@]}"
}
