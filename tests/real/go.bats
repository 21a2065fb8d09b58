#!/usr/bin/env bats
# packages: golang-go

load common

prepare() {
  cat >hello.go <<END
package main
import ("fmt"; "net/http"; "os")
func main() { fmt.Println("hello", http.StatusText(404)); os.Exit(42) }
END
  CGO_ENABLED=0 GOCACHE=$WORK/gocache GO111MODULE=off go build -o hello hello.go
  command=(./hello)
}

@test "a static Go program" {
  prepare
  runs_unchanged_and_prefetches env "${command[@]}"
}

@test "a static Go program, by an ordinary user" {
  prepare
  runs_unchanged_and_prefetches as_ordinary_user "${command[@]}"
}
