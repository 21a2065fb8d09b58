#!/usr/bin/env bats
# packages: emacs-nox

load common

prepare() {
  command=(emacs --batch --eval "(progn (require (quote org)) (princ (format \"%s\" (* 6 7))))")
}

@test "Emacs in batch mode" {
  prepare
  runs_unchanged_and_prefetches env "${command[@]}"
}

@test "Emacs in batch mode, by an ordinary user" {
  prepare
  runs_unchanged_and_prefetches as_ordinary_user "${command[@]}"
}
