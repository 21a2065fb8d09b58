#!/usr/bin/env bats
# packages: python3 librsvg2-bin util-linux
# --benchmark and --dry-run.

load common

setup() {
  make_work
  export TMPDIR=$WORK LANG=C.UTF-8
  cp /bin/cat "$WORK/program"
  head -c 1000000 /dev/zero >"$WORK/data"
}

@test "--benchmark prints a table and a sentence, and leaves nothing behind" {
  run "$PBRUN" --benchmark -n 3 "$WORK/program" "$WORK/data"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ ${lines[0]} == START*MEDIAN*SPREAD*SAVES ]]
  [ "$(grep -cE '^(cold|warm)(, through pbrun)? +[0-9.]+ ms +[0-9.]+ ms +(-|-?[0-9.]+ ms)$' <<<"$output")" -eq 4 ]
  [[ $output == *"result "*"Through pbrun"* || $output == *"result "*"pbrun saves nothing here"* ]]
  [ -z "$(find "$WORK" -name 'pbrun-benchmark*')" ]
  # The user's own recordings are not touched.
  [ ! -e "$PBRUN_DIR" ]
}

on_terminal() { # COLUMNS: what the terminal gets, raw
  script -qec "stty cols $1; $PBRUN --benchmark -n 1 $WORK/program $WORK/data" /dev/null </dev/null
}

@test "progress fits the terminal, and is plain lines on a dumb one" {
  unset COLUMNS
  TERM=xterm on_terminal 40 >"$WORK/screen"
  cat -v "$WORK/screen"
  # Each line begins anew, and the last column stays free.
  tr '\r' '\n' <"$WORK/screen" | grep -a $'^\e\[Kpbrun: ' >"$WORK/lines"
  [ "$(wc -l <"$WORK/lines")" -ge 5 ]
  grep -q 'start 1 of 1: cold' "$WORK/lines"
  [ "$(sed 's/^...//' "$WORK/lines" | wc -L)" -le 39 ]
  TERM=dumb on_terminal 40 >"$WORK/screen"
  [ "$(grep -ac '^pbrun: start 1 of 1' "$WORK/screen")" -eq 4 ]
  [ "$(grep -ac $'\e' "$WORK/screen")" -eq 0 ]
}

@test "--benchmark says what could not be evicted, and which file" {
  run "$PBRUN" --benchmark -n 1 "$WORK/program" "$WORK/data"
  # The shell that runs this has the C library mapped.
  [[ $output == *"stayed "*"could not be evicted"*"libc.so.6"* ]]
}

@test "--benchmark --json: as many times as asked for, in each way" {
  "$PBRUN" --benchmark --runs 2 --json "$WORK/program" "$WORK/data" >"$WORK/json"
  [ "$(json "$WORK/json" 'sorted((k, len(s["times_ms"])) for k, s in j["starts"].items())')" = \
    '[["cold", 2], ["pbrun", 2], ["warm", 2], ["warm_pbrun", 2]]' ]
  [ "$(json "$WORK/json" 'j["command"]')" = "[\"$WORK/program\", \"$WORK/data\"]" ]
  [ "$(json "$WORK/json" 'abs(j["starts"]["cold"]["median_ms"] - j["starts"]["pbrun"]["median_ms"] - j["saving_ms"]) < 0.01')" = true ]
}

@test "--benchmark --svg draws every start" {
  "$PBRUN" --benchmark -n 2 --svg "$WORK/picture.svg" "$WORK/program" "$WORK/data"
  [ "$(grep -c '<circle' "$WORK/picture.svg")" -eq 8 ]
  if command -v rsvg-convert >/dev/null; then
    rsvg-convert -o "$WORK/picture.png" "$WORK/picture.svg"
  fi
}

@test "--benchmark tells of starts that fail, and of what cannot be started" {
  run "$PBRUN" --benchmark -n 1 "$WORK/program" "$WORK/none"
  [ "$status" -eq 0 ]
  [[ $output == *"some starts ended with exit status 1"* ]]
  run "$PBRUN" --benchmark no-such-program
  [ "$status" -eq 127 ]
  for runs in 0 x -1 101 1x; do
    run "$PBRUN" --benchmark -n "$runs" "$WORK/program"
    [ "$status" -eq 125 ]
  done
}

@test "--benchmark is interrupted cleanly" {
  "$PBRUN" --benchmark -n 100 sleep 0.1 &
  pid=$!
  has_begun() { [ -n "$(find "$WORK" -name 'pbrun-benchmark*')" ]; }
  eventually has_begun
  kill -TERM "$pid"
  status=0
  wait "$pid" || status=$?
  [ "$status" -eq 130 ]
  [ -z "$(find "$WORK" -name 'pbrun-benchmark*')" ]
}

@test "-n is --runs with --benchmark, and --no-prefetch for a launch" {
  "$PBRUN" --benchmark -n 1 --json "$WORK/program" "$WORK/data" >"$WORK/json"
  [ "$(json "$WORK/json" 'j["runs"]')" = 1 ]
  "$PBRUN" -n "$WORK/program" "$WORK/data" >/dev/null
}

@test "--dry-run starts nothing and writes nothing" {
  run "$PBRUN" --dry-run touch "$WORK/made"
  [ "$status" -eq 0 ]
  [ ! -e "$WORK/made" ]
  [ ! -e "$PBRUN_DIR" ]
  [[ $output == *"nothing is remembered yet"*"the start "*"is trained: nothing is remembered yet"* ]]
}

@test "--dry-run of a first start says what is foretold" {
  # Not every file system tells what is in memory.
  [[ $("$PBRUN" --dry-run "$WORK/program") =~ "nothing: it is in memory"|foretell ]]
  evict "$WORK/program"
  [[ $("$PBRUN" --dry-run "$WORK/program") == *"of other programs foretell"* ]]
}

@test "--dry-run minds profiles, and what they have in common, and exclusions" {
  printf 'print(1)\n' >"$WORK/one.py"
  printf 'print(2)\n' >"$WORK/two.py"
  "$PBRUN" -r train /usr/bin/python3 "$WORK/one.py"
  settled
  "$PBRUN" --dry-run --json /usr/bin/python3 "$WORK/one.py" >"$WORK/json"
  [ "$(json "$WORK/json" 'j["shadow"]')" = fresh ]
  all=$(json "$WORK/json" 'j["prefetch"]["remembered_bytes"]')
  "$PBRUN" --dry-run --json /usr/bin/python3 "$WORK/two.py" >"$WORK/json"
  [ "$(json "$WORK/json" 'j["shadow"]')" = none ]
  [[ $(json "$WORK/json" 'j["prefetch"]["reason"]') == *"in common"* ]]
  [ "$(json "$WORK/json" 'j["record"]["train_percent"]')" = 100 ]
  "$PBRUN" --dry-run -x /usr/lib --json /usr/bin/python3 "$WORK/one.py" >"$WORK/json"
  [ "$(json "$WORK/json" "0 < j['prefetch']['remembered_bytes'] < $all")" = true ]
}

@test "--dry-run says what would be prefetched: what is not in memory" {
  "$PBRUN" -r train "$WORK/program" "$WORK/data" >/dev/null
  settled
  "$PBRUN" --dry-run --json "$WORK/program" >"$WORK/json"
  [ "$(json "$WORK/json" 'j["shadow"]')" = fresh ]
  [ "$(json "$WORK/json" 'j["prefetch"]["remembered_bytes"] >= j["prefetch"]["resident_bytes"] > 0')" = true ]
  resident=$(json "$WORK/json" 'j["prefetch"]["resident_bytes"]')
  sync "$WORK/program"
  dd if="$WORK/program" iflag=nocache count=0 status=none
  "$PBRUN" --dry-run --json "$WORK/program" >"$WORK/json"
  [ "$(json "$WORK/json" "j['prefetch']['resident_bytes'] < $resident and j['prefetch']['bytes'] > 0")" = true ]
  # To ask changes nothing.
  bytes=$(json "$WORK/json" 'j["prefetch"]["bytes"]')
  [ "$("$PBRUN" --dry-run --json "$WORK/program" | json - 'j["prefetch"]["bytes"]')" -ge "$bytes" ]
  "$PBRUN" --dry-run --json -n "$WORK/program" >"$WORK/json"
  [ "$(json "$WORK/json" 'j["prefetch"]["bytes"]')" = 0 ]
  [[ $("$PBRUN" --dry-run -n "$WORK/program") == *"nothing: --no-prefetch"* ]]
  [[ $(PBRUN_DISABLE=1 "$PBRUN" --dry-run "$WORK/program") == *"nothing: PBRUN_DISABLE is set"* ]]
  run "$PBRUN" --dry-run no-such-program
  [ "$status" -eq 127 ]
}
