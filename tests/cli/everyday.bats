#!/usr/bin/env bats
# packages: busybox-static python3
# pbrun in front of everyday programs: under their own names, by aliases, desktop entries, units.

# shellcheck disable=SC2030,SC2031 # each test has a PATH of its own

load common

setup() {
  make_work
  cd "$WORK" || return
  mkdir links real
  cp "$PBRUN" "$WORK/pbrun"
}

teardown() {
  cd / && rm -rf "$WORK"
}

# A program that says how it was called.
make_program() { # FILE
  # shellcheck disable=SC2016 # it is the script's
  printf '%s\n' '#!/bin/sh' 'echo "$0" "$@"' >"$1"
  chmod +x "$1"
}

@test "a link with a program's name runs the program, and it is recorded" {
  make_program real/tool
  ln -s ../pbrun links/tool
  for record in train none; do
    run env PATH="$WORK/links:$WORK/real:$PATH" PBRUN_RECORD=$record tool a --version "b c"
    [ "$status" -eq 0 ]
    [ "$output" = "$WORK/real/tool a --version b c" ]
  done
  [ "$("$PBRUN" --json --list | json - 'j["shadows"][0]["program"]')" = "$WORK/real/tool" ]
  # By its path, from a PATH without it, and where the directory is the working directory.
  run env PATH="$WORK/real:$PATH" "$WORK/links/tool" x
  [ "$output" = "$WORK/real/tool x" ]
  run env -C real PATH="$WORK/links::$PATH" tool x
  [ "$output" = "./tool x" ]
}

@test "the exit status and the standard descriptors are those of the program" {
  ln -s ../pbrun links/sh
  export PATH="$WORK/links:$PATH"
  run sh -c 'exit 7'
  [ "$status" -eq 7 ]
  [ "$(echo in | "$WORK/links/sh" -c 'cat; kill -TERM $$' || true)" = in ]
}

@test "a link does not loop: disabled, twice in PATH, two versions of pbrun, pbrun before a link" {
  make_program real/tool
  mkdir links2
  cp "$PBRUN" links2/pbrun
  # Another version is another file: one byte more.
  echo >>links2/pbrun
  ln -s ../pbrun links/tool
  ln -s pbrun links2/tool
  export PATH="$WORK/links:$WORK/links2:$WORK/links:$WORK/real:$PATH"
  run timeout 20 tool 1
  [ "$output" = "$WORK/real/tool 1" ]
  PBRUN_DISABLE=1 run timeout 20 tool 2
  [ "$output" = "$WORK/real/tool 2" ]
  run timeout 20 "$WORK/pbrun" tool 3
  [ "$output" = "$WORK/real/tool 3" ]
  run timeout 20 "$WORK/pbrun" links/tool 4
  [ "$output" = "$WORK/real/tool 4" ]
}

@test "a link without a program behind it is 127, and says so" {
  ln -s ../pbrun links/no-such-tool
  run timeout 20 env PATH="$WORK/links:$PATH" no-such-tool
  [ "$status" -eq 127 ]
  [ "$output" = "pbrun: no-such-tool: no other program of this name is in PATH" ]
  run timeout 20 "$WORK/pbrun" "$WORK/links/no-such-tool"
  [ "$status" -eq 127 ]
  run timeout 20 "$WORK/links/no-such-tool"
  [ "$status" -eq 127 ]
  [ "$output" = "pbrun: no-such-tool: no other program of this name is in PATH" ]
}

@test "a multi-call program behind a link knows its name; a false argv[0] or a copy is not taken for one" {
  ln -s "$(command -v busybox)" real/echo
  ln -s ../pbrun links/echo
  run env PATH="$WORK/links:$WORK/real:$PATH" echo hello
  [ "$output" = hello ]
  # shellcheck disable=SC2016
  run bash -c 'exec -a other "$1" true' bash "$WORK/pbrun"
  [ "$status" -eq 0 ]
  cp "$PBRUN" other
  [ "$(./other echo x)" = x ]
  # A login shell keeps its dash.
  ln -s ../pbrun links/bash
  # shellcheck disable=SC2016
  run env PATH="$WORK/links:$PATH" /bin/bash -c 'exec -a -bash "$1" -c "echo \$0; shopt -q login_shell"' bash \
    "$WORK/links/bash"
  [ "$status" -eq 0 ]
  [ "${lines[-1]}" = -bash ]
}

@test "python behind a link finds itself, not pbrun" {
  ln -s ../pbrun links/python3
  run env PATH="$WORK/links:/usr/bin:/bin" python3 -c 'import sys; print(sys.executable, sys.prefix)'
  [ "$output" = "/usr/bin/python3 /usr" ]
}

@test "--argv0 gives the program another name" {
  # shellcheck disable=SC2016
  run "$PBRUN" --argv0 other sh -c 'cat /proc/$$/cmdline | tr "\0" " "'
  [[ $output == "other -c "* ]]
  [ "$("$PBRUN" --argv0=echo busybox hello)" = hello ]
}
