#!/usr/bin/env bats
# packages: nodejs

load common

prepare() {
  command=(node -e "console.log(require(\"crypto\").createHash(\"sha1\").update(\"x\").digest(\"hex\")); process.exitCode = 5")
}

@test "Node.js" {
  prepare
  runs_unchanged_and_prefetches env "${command[@]}"
}

@test "Node.js, by an ordinary user" {
  prepare
  runs_unchanged_and_prefetches as_ordinary_user "${command[@]}"
}
