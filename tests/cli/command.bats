#!/usr/bin/env bats
# packages: python3 util-linux
# Options, environment, search of the program, exit statuses.

load common

bats_require_minimum_version 1.5.0

make_script() { # FILE LINE...
  local file=$1
  shift
  printf '%s\n' "$@" >"$file"
  chmod +x "$file"
}

@test "help and version" {
  run "$PBRUN" --help
  [ "$status" -eq 0 ]
  [[ $output == Usage:* ]]
  run "$PBRUN" -V
  [ "$status" -eq 0 ]
  [[ $output == "pbrun "[0-9]* ]]
}

@test "wrong use is 125 and says what is wrong" {
  for arguments in "" "--no-such-option true" "-r" "-r wrong true" "-w x true" "-w 0 true" "-w nan true" \
    "--list true" "--list --forget x" "--show" "--json true" "--forget" "--list=x" "-nq true" \
    "--verbose=1 true" "--no-prefetch --list" "--ver true" "--show --record none true"; do
    # shellcheck disable=SC2086
    run "$PBRUN" $arguments
    echo "$arguments: $status: $output"
    [ "$status" -eq 125 ]
    [[ $output == *"--help"* ]]
  done
}

@test "a program that is not there is 127, one that cannot be run is 126" {
  touch plain
  for arguments in no-such-program-here ./no-such-program; do
    run "$PBRUN" "$arguments"
    [ "$status" -eq 127 ]
    [[ $output == *"$arguments"*"No such file"* ]]
  done
  for arguments in ./plain "$WORK"; do
    run "$PBRUN" "$arguments"
    [ "$status" -eq 126 ]
    [[ $output == *"$arguments"*"ermission denied"* ]]
  done
  run "$PBRUN" ""
  [ "$status" -eq 127 ]
  make_script broken '#!/no/such/interpreter'
  run "$PBRUN" ./broken
  [ "$status" -eq 127 ]
}

@test "PATH is searched as execvp does" {
  mkdir a b c
  make_script a/tool 'echo a'
  chmod -x a/tool
  mkdir b/tool
  # shellcheck disable=SC2016
  make_script c/tool '#!/bin/sh' 'echo c "$@"'
  run env PATH="$WORK/none:$WORK/a:$WORK/b:$WORK/c:$PATH" "$PBRUN" tool 1
  [ "$output" = "c 1" ]
  # An empty element is the working directory.
  for path in ":/bin" "/bin:" "/bin::/usr/bin"; do
    run env -C c PATH="$path" "$PBRUN" tool 2
    [ "$output" = "c 2" ]
  done
  # Only found where it may not be executed.
  run env PATH="$WORK/a" "$PBRUN" tool
  [ "$status" -eq 126 ]
  # Without PATH, the system's default.
  run env -u PATH "$PBRUN" true
  [ "$status" -eq 0 ]
}

@test "a script is its own program, with and without #!" {
  # shellcheck disable=SC2016
  make_script with '#!/bin/sh' 'echo with "$0" "$@"'
  # shellcheck disable=SC2016
  make_script without 'echo without "$@"'
  for _ in 1 2; do
    run "$PBRUN" ./with a 'b c'
    [ "$output" = "with ./with a b c" ]
    run "$PBRUN" ./without d
    [ "$output" = "without d" ]
  done
  settled
  "$PBRUN" --show "$WORK/with" | grep -q "$WORK/with"
  [ "$("$PBRUN" --json --show "$WORK/with" | json - 'any(f["path"].endswith("/dash") or f["path"].endswith("/bash") for f in j["files"])')" = true ]
  "$PBRUN" --show "$WORK/without" >/dev/null
}

@test "options end at the program" {
  run "$PBRUN" echo -n --help -v
  [ "$output" = "--help -v" ]
  run "$PBRUN" -- echo x
  [ "$output" = x ]
  run "$PBRUN" echo -- x
  [ "$output" = "-- x" ]
}

@test "with a command, options stand anywhere" {
  "$PBRUN" -p one true
  "$PBRUN" true
  settled
  for arguments in "--show --json true" "--json --show true" "--show true --json" "--show=true --json" \
    "--sho true --js" "--json --show -- true"; do
    # shellcheck disable=SC2086
    [ "$("$PBRUN" $arguments | json - 'j["profile"]')" = "" ]
  done
  for arguments in "-pone --show true --json" "--show true -p one --json" "--json --profile=one --show true"; do
    # shellcheck disable=SC2086
    [ "$("$PBRUN" $arguments | json - 'j["profile"]')" = one ]
  done
  # What is given twice: the last one counts.
  [ "$("$PBRUN" -p two --show true --json -p one | json - 'j["profile"]')" = one ]
  run "$PBRUN" --show -- --json
  [ "$status" -eq 1 ]
}

@test "whoever asks for help gets it" {
  run "$PBRUN" --list --help --verbose x y
  [ "$status" -eq 0 ]
  [[ $output == Usage:* ]]
}

@test "profiles are remembered apart" {
  "$PBRUN" -p one true
  "$PBRUN" -p two true
  "$PBRUN" true
  settled
  [ "$("$PBRUN" --json --list | json - 'sorted(s["profile"] for s in j["shadows"])')" = '["", "one", "two"]' ]
}

@test "where shadows go: --dir, PBRUN_DIR, XDG_CACHE_HOME, HOME" {
  mkdir home
  "$PBRUN" -d "$WORK/1" true
  settled
  ls "$WORK"/1/*.shadow
  PBRUN_DIR=$WORK/2 "$PBRUN" true
  settled
  ls "$WORK"/2/*.shadow
  env -u PBRUN_DIR XDG_CACHE_HOME="$WORK/3" HOME="$WORK/home" "$PBRUN" true
  settled
  ls "$WORK"/3/pbrun/*.shadow
  env -u PBRUN_DIR -u XDG_CACHE_HOME HOME="$WORK/home" "$PBRUN" true
  settled
  ls "$WORK"/home/.cache/pbrun/*.shadow
  # The XDG specification wants an absolute path.
  env -u PBRUN_DIR XDG_CACHE_HOME=relative HOME="$WORK/home" "$PBRUN" -p other true
  settled
  [ "$(find home -name '*.shadow' | wc -l)" -eq 2 ]
  [ ! -e relative ]
  [ "$(stat -c %a home/.cache/pbrun)" = 700 ]
}

@test "PBRUN_DISABLE starts the program and nothing else" {
  run env PBRUN_DISABLE=1 "$PBRUN" sh -c 'exit 3'
  [ "$status" -eq 3 ]
  [ ! -e "$PBRUN_DIR" ]
}

@test "PBRUN_RECORD sets the mode, --record wins" {
  PBRUN_RECORD=none "$PBRUN" -R r true
  [ "$(json r 'j["record"]["mode"]')" = none ]
  PBRUN_RECORD=none "$PBRUN" -R r -r train true
  [ "$(json r 'j["record"]["mode"]')" = train ]
  run env PBRUN_RECORD=nonsense "$PBRUN" sh -c 'exit 3'
  [ "$status" -eq 3 ]
  [[ $output == *PBRUN_RECORD=nonsense* ]]
}

@test "the report has the documented fields" {
  "$PBRUN" -R first true
  settled
  "$PBRUN" -R second true
  for field in program profile shadow prefetch.files prefetch.extents prefetch.bytes prefetch.skipped_files \
    prefetch.elapsed_ms prefetch.head_start_ms record.mode record.exact record.files record.pages launch.elapsed_ms \
    launch.major_faults launch.read_bytes; do
    json first "j['${field//./\'][\'}']"
  done
  [ "$(json first 'j["shadow"]')" = none ]
  [ "$(json first 'j["record"]["mode"]')" = train ]
  [ "$(json first 'j["record"]["pages"] > 10')" = true ]
  [ "$(json second 'j["shadow"]')" = fresh ]
}

@test "--verbose tells what is done, on standard error only" {
  run bash -c "\"$PBRUN\" -v echo out 2>err"
  [ "$output" = out ]
  [ "$(wc -l <err)" -eq 1 ]
  grep -qE '^pbrun: echo: nothing is remembered of it yet; ([0-9,]+|no) faults? waited for the disk; recorded in training: [0-9.]+ [KM]iB in [0-9]+ files$' err
  settled
  run bash -c "\"$PBRUN\" -v echo out 2>err"
  [ "$(wc -l <err)" -eq 1 ]
  grep -qE '^pbrun: echo: (all [0-9.]+ [KM]iB that it needs were in memory|[0-9.]+ [KM]iB in [0-9]+ pieces asked for in [0-9.]+ ms(, [<0-9]+ % used)?); ' err
}

@test "--verbose says how much of what was prefetched was used" {
  cp /bin/cat program
  head -c 2000000 /dev/zero >data
  "$PBRUN" -r train ./program data >/dev/null
  sync data program
  # What the program brings itself before it is asked for does not count: on a busy machine, now and then.
  for _ in 1 2 3 4 5 6 7 8; do
    settled
    dd if=program iflag=nocache count=0 status=none
    "$PBRUN" -v -r sample ./program data 2>err >/dev/null
    cat err
    grep -qE '^pbrun: program: [0-9.]+ [KM]iB in [0-9,]+ pieces asked for in [0-9.]+ ms, [0-9]+ % used; ' err && return
  done
  false
}

@test "--report goes to standard error, or to a descriptor" {
  run --separate-stderr "$PBRUN" --report - echo out
  [ "$output" = out ]
  # shellcheck disable=SC2154 # bats sets it
  [ "$(json - 'j["launch"]["exit_status"]' <<<"$stderr")" = 0 ]
  "$PBRUN" --report fd:3 sh -c 'exit 3' 3>report || [ $? -eq 3 ]
  [ "$(json report 'j["launch"]["exit_status"]')" = 3 ]
  # The program has the descriptor all the same.
  "$PBRUN" -R fd:3 sh -c 'echo mine >&3' 3>report
  [ "$(head -n 1 report)" = mine ]
  # One that is not open is not taken for one of pbrun's own; one for reading is not written to.
  run -0 "$PBRUN" -R fd:7 true 7>&-
  [[ $output == *"fd:7: no report can be written there: Bad file descriptor"* ]]
  run -0 "$PBRUN" -R fd:7 true 7</dev/null
  [[ $output == *"fd:7: the report was not written: Bad file descriptor"* ]]
}

@test "a report that nobody reads holds nobody" {
  mkfifo pipe
  sleep 1000 <>pipe >&- 2>&- &
  reader=$!
  # Full.
  timeout 10 dd if=/dev/zero of=pipe bs=65536 count=1 oflag=nonblock status=none || true
  # shellcheck disable=SC2016 # a variable of the inner shell
  run timeout 60 bash -c '"$PBRUN" -R fd:3 true 3<>pipe'
  kill "$reader"
  [ "$status" -eq 0 ]
}

@test "--no-prefetch prefetches nothing" {
  "$PBRUN" true
  "$PBRUN" -n -R r true
  [ "$(json r 'j["prefetch"]["files"]')" = 0 ]
  [ "$(json r 'j["prefetch"].get("resident_bytes", 0)')" = 0 ]
}
