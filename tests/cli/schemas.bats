#!/usr/bin/env bats
# packages: python3 python3-jsonschema
# What is printed in JSON is as docs/*.schema.json say.

load common

setup() {
  make_work
  cp /bin/true "$WORK/program"
  cp /bin/true "$WORK/"$'not\xffUTF-8'
}

valid() { # NAME < JSON
  /usr/bin/python3 "$BATS_TEST_DIRNAME/../helpers/validate.py" "$BATS_TEST_DIRNAME/../../docs/$1.schema.json"
}

@test "list, with all states" {
  "$PBRUN" --list --json | valid list
  "$PBRUN" "$WORK/program"
  "$PBRUN" "$WORK/"$'not\xffUTF-8'
  "$PBRUN" -p damaged "$WORK/program"
  settled
  "$PBRUN" --show -p damaged "$WORK/program" --json >"$WORK/json"
  echo garbage >"$(json "$WORK/json" 'j["shadow_file"]')"
  "$PBRUN" --list --json | valid list
  rm "$WORK/program"
  "$PBRUN" --list --json | valid list
}

@test "show" {
  for program in "$WORK/program" "$WORK/"$'not\xffUTF-8'; do
    "$PBRUN" -r train "$program"
    settled
    "$PBRUN" --show "$program" --json | valid show
  done
}

@test "report, of training, sampling, neither, and a death by a signal" {
  for mode in train sample none; do
    "$PBRUN" -R "$WORK/report" -r "$mode" "$WORK/program"
    settled
    valid report <"$WORK/report"
  done
  # shellcheck disable=SC2016 # a variable of the inner shell
  "$PBRUN" -R "$WORK/report" sh -c 'kill -9 $$' || true
  [ "$(json "$WORK/report" 'j["launch"]["exit_signal"]')" = 9 ]
  valid report <"$WORK/report"
}

@test "doctor, also where nothing works" {
  "$PBRUN" --doctor --json | valid doctor
  PBRUN_DISABLE=1 "$PBRUN" -d "$WORK/program" --doctor --json | valid doctor
}

@test "dry-run" {
  "$PBRUN" --dry-run --json "$WORK/program" | valid dry-run
  "$PBRUN" "$WORK/program"
  settled
  "$PBRUN" --dry-run --json "$WORK/program" | valid dry-run
  PBRUN_DISABLE=1 "$PBRUN" --dry-run --json "$WORK/program" | valid dry-run
}

@test "benchmark" {
  TMPDIR=$WORK "$PBRUN" --benchmark -n 1 --json "$WORK/program" one "t w o" | valid benchmark
}

@test "help" {
  "$PBRUN" --help --json | valid help
}

@test "a field that is not described is found" {
  run valid help <<<'{"format": 1, "commands": [], "options": [], "more": 1}'
  [ "$status" -eq 1 ]
  [[ $output == *'$.more'* ]]
}
