#!/usr/bin/env bats
# packages: chromium

load common

prepare() {
  echo "<title>pbrun</title><h1>pbrun</h1>" >page.html
  command=(chromium --headless --no-sandbox --disable-gpu --dump-dom "file://$WORK/page.html")
}

@test "Chromium, a page'\''s document" {
  prepare
  runs_unchanged_and_prefetches env "${command[@]}"
}

@test "Chromium, a page'\''s document, by an ordinary user" {
  prepare
  runs_unchanged_and_prefetches as_ordinary_user "${command[@]}"
}
