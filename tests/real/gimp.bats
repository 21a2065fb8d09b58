#!/usr/bin/env bats
# packages: gimp

load common

prepare() {
  command=(gimp --no-interface --no-data --batch "(gimp-message \"hello\")" --batch "(gimp-quit 0)")
}

@test "GIMP in batch mode, with its plug-ins" {
  prepare
  runs_unchanged_and_prefetches env "${command[@]}"
}

@test "GIMP in batch mode, with its plug-ins, by an ordinary user" {
  prepare
  runs_unchanged_and_prefetches as_ordinary_user "${command[@]}"
}
