#!/usr/bin/env bats
# packages: python3 util-linux
# What goes wrong is told in one style: what failed, on which path, why, and what to do.
#     pbrun: show: /usr/bin/x: nothing is recorded; a launch with pbrun records it
#     pbrun: warning: ... (what to do)
# and of wrong use one line, and a second one that says where help is.

load common

bats_require_minimum_version 1.5.0

setup() {
  make_work
  cp /bin/true "$WORK/program"
}

# Runs a command that fails, and looks at its standard error.
complains() { # STATUS WHERE COMMAND...
  local status_wanted=$1 where=$2
  shift 2
  run --separate-stderr "$@"
  echo "$*: $status: $stderr"
  [ "$status" -eq "$status_wanted" ]
  [ -n "$stderr" ]
  [[ $stderr == *"$where"* ]]
  # Each line begins alike, and says after the why what to do. An export also counts.
  ! grep -vE '^pbrun: [0-9]+ files, ' <<<"$stderr" | grep -vE '^pbrun: (warning: )?[^ ].*: [^ ].*(; .+|\(.+\))$'
}

@test "programs and recordings that are not there" {
  complains 1 "$WORK/program" "$PBRUN" --show "$WORK/program"
  complains 1 "$WORK/program" "$PBRUN" --forget "$WORK/program"
  complains 1 no-such-program "$PBRUN" --show no-such-program
  complains 1 no-such-program "$PBRUN" --forget no-such-program
  complains 127 no-such-program "$PBRUN" --dry-run no-such-program
  complains 127 no-such-program "$PBRUN" --benchmark no-such-program
  complains 126 "$WORK" "$PBRUN" --dry-run "$WORK"
  complains 1 "$WORK/program" "$PBRUN" --export "$WORK/program"
  complains 1 "$WORK/program" "$PBRUN" --embed "$WORK/program"
  complains 1 "$WORK/program" "$PBRUN" --embedded "$WORK/program"
  complains 1 "$WORK/none" "$PBRUN" --import "$WORK/none"
  "$PBRUN" -p other "$WORK/program"
  settled
  complains 1 "$WORK/program" "$PBRUN" --show "$WORK/program"
}

@test "recordings that cannot be read, and places that cannot be written" {
  "$PBRUN" "$WORK/program"
  settled
  complains 1 "$WORK/none/x" "$PBRUN" --show "$WORK/program" --svg "$WORK/none/x"
  complains 1 "$WORK/none/x" "$PBRUN" --export "$WORK/program" "$WORK/none/x"
  complains 1 "$WORK/none/x" "$PBRUN" --benchmark -n 1 --svg "$WORK/none/x" "$WORK/program"
  # shellcheck disable=SC2016 # a variable of the inner shell
  complains 1 "standard output" bash -c '"$PBRUN" --list >/dev/full'
  TMPDIR=$WORK/none complains 1 "$WORK/none" "$PBRUN" --benchmark "$WORK/program"
  touch "$WORK/file"
  complains 1 "$WORK/file" "$PBRUN" --import "$WORK/file"
  complains 1 "$WORK/file" "$PBRUN" -d "$WORK/file" --list
  "$PBRUN" --export "$WORK/program" "$WORK/record"
  complains 1 "directory" env -u PBRUN_DIR -u HOME -u XDG_CACHE_HOME "$PBRUN" --import "$WORK/record"
  settled
  shadow=$("$PBRUN" --json --show "$WORK/program" | json - 'j["shadow_file"]')
  echo garbage >"$shadow"
  complains 1 "$shadow" "$PBRUN" --show "$WORK/program"
}

@test "wrong use is one line, and where help is" {
  for arguments in "" "--no-such-option" "-r" "-r wrong true" "-w x true" "--list --forget x" "--show" "-q true" \
    "--json true" "--li=x" "--benchmark -n 0 true" "--verbose --list" "--no-p=1 true" "--e x"; do
    # shellcheck disable=SC2086
    run --separate-stderr "$PBRUN" $arguments
    echo "$arguments: $status: $stderr"
    [ "$status" -eq 125 ]
    # shellcheck disable=SC2154 # bats sets it
    [ "${#stderr_lines[@]}" -eq 2 ]
    [[ ${stderr_lines[0]} == "pbrun: "* ]]
    [ "${stderr_lines[1]}" = "Try 'pbrun --help' for more information." ]
    [ -z "$output" ]
  done
}

@test "wrong use says which option is meant, and what took the operand" {
  while IFS='|' read -r arguments expected; do
    # shellcheck disable=SC2086
    run --separate-stderr "$PBRUN" $arguments
    echo "$arguments: $status: $stderr"
    [ "$status" -eq 125 ]
    [ "${stderr_lines[0]}" = "pbrun: $expected" ]
  done <<'END'
--record true|the program to start is missing: 'true' is the value of --record, MODE
-nd true|the program to start is missing: 'true' is the value of --dir, DIR
--record=train|the program to start is missing
--benchmark --runs true|--benchmark: PROGRAM [ARG]... is missing: 'true' is the value of --runs, RUNS
--show --svg x|--show: PROGRAM [ARG]... is missing: 'x' is the value of --svg, FILE
--ver|option '--ver' can mean --version or --verbose
--=x true|there is no option '--'
--em=x|option '--em' can mean --embed or --embedded
--record foo true|--record 'foo' is none of auto, train, sample, none
--window 0 true|--window '0' is no number of seconds above 0 and up to 86400
--window 1e99 true|--window '1e99' is no number of seconds above 0 and up to 86400
--benchmark --runs 99999999999999999999 true|--runs '99999999999999999999' is no number from 1 to 100
--exclude / true|--exclude '/': it is empty, excludes everything, or needs HOME
--alias --shell tcsh true|--shell 'tcsh' is none of bash, zsh, fish and sh
END
  run "$PBRUN" --record $'\e[2J' true
  [ "${lines[0]}" = "pbrun: --record '\x1b[2J' is none of auto, train, sample, none" ]
}

@test "a program that cannot be started is no matter of directories that are one's own" {
  ln -s loop "$WORK/loop"
  printf '\177ELF' >"$WORK/broken"
  chmod +x "$WORK/broken"
  complains 126 "$WORK/loop: Too many levels of symbolic links (name another path)" "$PBRUN" "$WORK/loop"
  cd "$WORK"
  for command in --dry-run --benchmark; do
    complains 126 "./loop: Too many levels of symbolic links (name another path)" "$PBRUN" "$command" ./loop
  done
  complains 1 "./loop: Too many levels of symbolic links (name another path)" "$PBRUN" --show ./loop
  complains 1 "$WORK/broken: Exec format error (is it a program" "$PBRUN" --benchmark -n 1 "$WORK/broken"
}

@test "values that nobody can mean are wrong use, and nothing is written anywhere" {
  cd "$WORK"
  long=$(printf 'x%.0s' {1..4096})
  for option in "--dir=" "--report=" "--report=fd:" "--report=fd:x" "--report=fd:3x" "--report=fd:99999999999" \
    "--profile=$long"; do
    run --separate-stderr "$PBRUN" "$option" "$WORK/program"
    echo "$option: $status: $stderr"
    [ "$status" -eq 125 ]
    [ "${#stderr_lines[@]}" -eq 2 ]
  done
  [ "$(ls -A)" = program ]
  # A file of such a name all the same.
  "$PBRUN" --report ./fd:x "$WORK/program"
  [ -s fd:x ]
}

@test "what is no program, and what is no place to write to" {
  touch "$WORK/plain"
  for command in --show --export; do
    complains 1 "$WORK/plain: it is no program" "$PBRUN" "$command" "$WORK/plain"
    complains 1 "$WORK: it is no program" "$PBRUN" "$command" "$WORK"
  done
  complains 127 "'': No such" "$PBRUN" ""
  # What a terminal would obey.
  complains 127 '\x1b[2J: No such' "$PBRUN" $'\e[2J'
  # Before anything is measured.
  for picture in "$WORK" "$WORK/none/x"; do
    complains 1 "$picture" "$PBRUN" --benchmark -n 100 --svg "$picture" "$WORK/program"
    [ -z "$output" ]
  done
  complains 1 no-such-service "$PBRUN" --unit no-such-service
  complains 1 systemctl "$PBRUN" --unit --system no-such-service
  complains 1 no-such-entry "$PBRUN" --desktop no-such-entry
  complains 1 no-such-program "$PBRUN" --alias no-such-program
}

@test "warnings of a start" {
  "$PBRUN" "$WORK/program"
  settled
  shadow=$("$PBRUN" --json --show "$WORK/program" | json - 'j["shadow_file"]')
  echo garbage >"$shadow"
  complains 0 "$shadow" "$PBRUN" "$WORK/program"
  complains 0 "PBRUN_RECORD=x" env PBRUN_RECORD=x "$PBRUN" "$WORK/program"
  touch "$WORK/file"
  complains 0 "$WORK/file" "$PBRUN" -d "$WORK/file" "$WORK/program"
  complains 0 "$WORK/none/report" "$PBRUN" -R "$WORK/none/report" "$WORK/program"
  complains 0 "PBRUN_DIR" env -u PBRUN_DIR -u HOME -u XDG_CACHE_HOME "$PBRUN" "$WORK/program"
  # What a terminal would obey.
  complains 0 'x\x1b[2J' env "PBRUN_RECORD=x"$'\e[2J' "$PBRUN" "$WORK/program"
  complains 0 'x\x1b[2J' "$PBRUN" -R "$WORK/none/x"$'\e[2J' "$WORK/program"
}

@test "what cannot be opened is told by the reason for it" {
  ((EUID == 0)) || skip "needs root"
  cp "$PBRUN" "$WORK/pbrun"
  chmod 600 "$WORK/program"
  ln -s loop loop
  for option in --embedded --import; do
    complains 1 "loop: Too many levels of symbolic links (name another path)" "$PBRUN" "$option" loop
  done
  complains 1 "$WORK/program: Permission denied" \
    setpriv --reuid=65534 --clear-groups "$WORK/pbrun" --embedded "$WORK/program"
}

@test "a program that cannot be started" {
  complains 127 no-such-program "$PBRUN" no-such-program
  touch "$WORK/plain"
  complains 126 "$WORK/plain" "$PBRUN" "$WORK/plain"
}
