#!/usr/bin/env bats
# packages: python3
# --list, --show and --forget

load common

setup() {
  make_work
  cp /bin/true "$WORK/program"
  ln -s program "$WORK/other-name"
}

@test "--list says so when nothing is recorded" {
  run "$PBRUN" --list
  [ "$status" -eq 0 ]
  [ "$output" = "Nothing is recorded yet." ]
  run "$PBRUN" --json --list
  [ "$status" -eq 0 ]
  [ "$(json - 'j["shadows"]' <<<"$output")" = "[]" ]
}

@test "--list names each program and profile" {
  "$PBRUN" "$WORK/program"
  "$PBRUN" "$WORK/other-name"
  settled
  run "$PBRUN" --list
  [ "$status" -eq 0 ]
  [[ ${lines[0]} == PROGRAM*PROFILE*SIZE*STARTS*SAVED*LAST\ USED*STATE ]]
  [ "${#lines[@]}" -eq 3 ]
  grep -qE "^$WORK/program +[0-9.]+ KiB +1 +- .* fresh\$" <<<"$output"
  grep -qE "^$WORK/program +other-name +[0-9.]+ KiB " <<<"$output"
  [ "$("$PBRUN" --json --list | json - 'sorted(s["profile"] for s in j["shadows"])')" = '["", "other-name"]' ]
}

@test "--show has the documented fields" {
  "$PBRUN" "$WORK/program"
  settled
  "$PBRUN" --json --show "$WORK/program" >"$WORK/json"
  [ "$(json "$WORK/json" 'j["format"]')" = 1 ]
  [ "$(json "$WORK/json" 'j["program"]')" = "$WORK/program" ]
  [ "$(json "$WORK/json" 'j["profile"]')" = "" ]
  [ "$(json "$WORK/json" 'j["page_size"]')" = "$(getconf PAGE_SIZE)" ]
  [ "$(json "$WORK/json" 'j["runs"]')" = 1 ]
  [ "$(json "$WORK/json" 'type(j["exact"]).__name__')" = bool ]
  [ "$(json "$WORK/json" '[f["size"] for f in j["files"] if f["path"] == j["program"]]')" = \
    "[$(stat -c %s "$WORK/program")]" ]
  [ "$(json "$WORK/json" 'all(f["kind"] in ("mapped", "read", "metadata") for f in j["files"])')" = true ]
  [ "$(json "$WORK/json" 'sum(n for f in j["files"] for first, n in f["extents"]) > 0')" = true ]
  [ "$(json "$WORK/json" 'any(f["extents"] for f in j["files"] if f["kind"] == "metadata")')" = false ]
  run "$PBRUN" --show "$WORK/program"
  [ "$status" -eq 0 ]
  [[ ${lines[0]} == "$WORK/program" ]]
  grep -qE "^ *~?[0-9.]+ KiB +[0-9]+ % +mapped +[|│].*[|│]  $WORK/program\$" <<<"$output"
}

@test "--show names the profiles that there are" {
  "$PBRUN" --profile deep "$WORK/program"
  settled
  run "$PBRUN" --show "$WORK/program"
  [ "$status" -eq 1 ]
  [[ $output == "pbrun: show: $WORK/program: "*"--profile 'deep'"* ]]
  run "$PBRUN" --profile deep --show "$WORK/program"
  [ "$status" -eq 0 ]
}

@test "--show of something never recorded fails" {
  run "$PBRUN" --show "$WORK/program"
  [ "$status" -eq 1 ]
  [[ $output == "pbrun: show: $WORK/program: nothing is recorded"* ]]
  run "$PBRUN" --show "$WORK/no-such-program-under-a-relative-name"
  [ "$status" -eq 1 ]
}

@test "a program that is gone can be shown and forgotten" {
  "$PBRUN" "$WORK/program"
  settled
  rm "$WORK/program"
  run "$PBRUN" --show "$WORK/program"
  [ "$status" -eq 0 ]
  run "$PBRUN" --forget "$WORK/program"
  [ "$status" -eq 0 ]
  run "$PBRUN" --list
  [ "$output" = "Nothing is recorded yet." ]
}

@test "--forget forgets every profile, with --profile only that one" {
  "$PBRUN" "$WORK/program"
  "$PBRUN" --profile a "$WORK/program"
  "$PBRUN" --profile b "$WORK/program"
  settled
  "$PBRUN" --profile a --forget "$WORK/program"
  [ "$("$PBRUN" --json --list | json - 'sorted(s["profile"] for s in j["shadows"])')" = '["", "b"]' ]
  "$PBRUN" --forget "$WORK/program"
  [ "$("$PBRUN" --json --list | json - 'len(j["shadows"])')" = 0 ]
}

@test "--forget takes several programs and fails for those it does not know" {
  "$PBRUN" "$WORK/program"
  settled
  run "$PBRUN" --forget /bin/cat "$WORK/program"
  [ "$status" -eq 1 ]
  [[ $output == *"pbrun: forget: "*"cat: nothing is recorded"* ]]
  [ "$("$PBRUN" --json --list | json - 'len(j["shadows"])')" = 0 ]
}

@test "names with control characters do not reach the terminal, and are valid JSON" {
  name=$WORK/$'bell\a\xff'
  cp /bin/true "$name"
  "$PBRUN" "$name"
  settled
  run "$PBRUN" --list
  [[ $output == *'bell\x07'* ]]
  [[ $output != *$'\a'* ]]
  "$PBRUN" --json --list >"$WORK/json"
  [ "$(json "$WORK/json" 'j["shadows"][0]["program"].endswith("bell\x07\ufffd")')" = true ]
  [ "$(json "$WORK/json" 'bytes.fromhex(j["shadows"][0]["program_hex"]).endswith(b"bell\x07\xff")')" = true ]
}

@test "a damaged shadow is told, and the rest is listed" {
  "$PBRUN" "$WORK/program"
  "$PBRUN" --profile whole "$WORK/program"
  settled
  shadow=$("$PBRUN" --json --show "$WORK/program" | json - 'j["shadow_file"]')
  echo garbage >"$shadow"
  run "$PBRUN" --list
  [ "$status" -eq 0 ]
  grep -qE "^${shadow##*/} .* ignored: damaged" <<<"$output"
  grep -qE "^$WORK/program +whole .* fresh\$" <<<"$output"
  [ "$("$PBRUN" --json --list | json - 'sorted(s["state"] for s in j["shadows"])')" = '["fresh", "ignored"]' ]
  run "$PBRUN" --show "$WORK/program"
  [ "$status" -eq 1 ]
  [[ $output == *damaged* ]]
}

@test "a full disk under stdout is an error" {
  [ -e /dev/full ] || skip "no /dev/full"
  "$PBRUN" "$WORK/program"
  settled
  run bash -c '"$PBRUN" --list >/dev/full'
  [ "$status" -eq 1 ]
  [[ $output == *"No space left on device"* ]]
}
