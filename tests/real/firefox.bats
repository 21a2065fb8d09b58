#!/usr/bin/env bats
# packages: firefox-esr

load common

prepare() {
  echo "<title>pbrun</title><h1>pbrun</h1>" >page.html
  command=(firefox-esr --headless --screenshot "$WORK/home/page.png" --window-size 400 "file://$WORK/page.html")
}

outcome() {
  head -c 4 home/page.png | tail -c 3
  rm -f home/page.png
}

@test "Firefox, a page to a picture" {
  prepare
  runs_unchanged_and_prefetches env "${command[@]}"
}

@test "Firefox, a page to a picture, by an ordinary user" {
  prepare
  runs_unchanged_and_prefetches as_ordinary_user "${command[@]}"
}
