#!/usr/bin/env bats
# packages: clang

load common

prepare() {
  echo '#include <stdio.h>
int main(void) { return puts("hello"); }' >hello.c
  command=(clang -O2 -c hello.c -o home/hello.o)
}

outcome() {
  cksum <home/hello.o
  rm -f home/hello.o
}

@test "clang -c" {
  prepare
  runs_unchanged_and_prefetches env "${command[@]}"
}

@test "clang -c, by an ordinary user" {
  prepare
  runs_unchanged_and_prefetches as_ordinary_user "${command[@]}"
}
