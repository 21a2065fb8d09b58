#!/usr/bin/env bats
# packages: libreoffice-writer-nogui

load common

prepare() {
  echo "One page of text." >text.txt
  command=(soffice --headless --convert-to pdf --outdir home text.txt)
}

# The document holds the time of its making.
outcome() {
  head -c 5 home/text.pdf
  rm -f home/text.pdf
}

@test "soffice, text to PDF" {
  prepare
  runs_unchanged_and_prefetches env "${command[@]}"
}

@test "soffice, text to PDF, by an ordinary user" {
  prepare
  runs_unchanged_and_prefetches as_ordinary_user "${command[@]}"
}
