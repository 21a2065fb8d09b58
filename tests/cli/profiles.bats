#!/usr/bin/env bats
# packages: git perl python3
# What scripts, modules and subcommands have apart, and what in common.

load common

setup() {
  make_work
  export XDG_CONFIG_HOME=$WORK/config
  export PBRUN_RECORD=train
}

profiles() {
  settled
  "$PBRUN" --json --list | json - '" ".join(sorted(s["profile"] for s in j["shadows"]))'
}

@test "scripts, modules and subcommands are kept apart" {
  echo 'print("a")' >a.py
  echo 'print("b");' >b.pl
  [ "$("$PBRUN" /usr/bin/python3 a.py)" = a ]
  [ "$("$PBRUN" perl -w ./b.pl)" = b ]
  "$PBRUN" /usr/bin/python3 -m json.tool /dev/null >/dev/null 2>&1 || true
  "$PBRUN" git --version >/dev/null
  "$PBRUN" git help >/dev/null
  "$PBRUN" env A=1 perl "$WORK/b.pl" >/dev/null
  [ "$(profiles)" = "$(printf '%s\n' "" "-m json.tool" "$WORK/a.py" "$WORK/b.pl" "perl $WORK/b.pl" help | sort |
    paste -sd' ')" ]
}

@test "tools that start others: the subcommand, and what it starts" {
  for tool in kubectl uv npx; do cp /bin/true "$tool"; done
  "$PBRUN" ./kubectl -n web get pods
  "$PBRUN" ./uv run a.py
  "$PBRUN" ./uv run --with b python3 -m c
  "$PBRUN" ./npx @d/e
  [ "$(profiles)" = "$(printf '%s\n' get "run $WORK/a.py" "run python3 -m c" @d/e | LC_ALL=C sort | paste -sd' ')" ]
}

@test "--profile overrides, and the same script is the same by any spelling" {
  echo 'print("a")' >a.py
  mkdir d
  "$PBRUN" /usr/bin/python3 a.py
  "$PBRUN" /usr/bin/python3 "$WORK/d/../a.py"
  (cd d && "$PBRUN" /usr/bin/python3 -u ../a.py)
  [ "$(profiles)" = "$WORK/a.py" ]
  settled
  [ "$("$PBRUN" --json --profile "$WORK/a.py" --show /usr/bin/python3 | json - 'j["runs"]')" = 3 ]
  # As it is started, it is shown.
  [ "$("$PBRUN" --json --show -- /usr/bin/python3 -u a.py | json - 'j["runs"]')" = 3 ]
  "$PBRUN" --profile mine /usr/bin/python3 a.py
  [ "$(profiles)" = "$WORK/a.py mine" ]
}

@test "the user's rules come first; what is no rule is said, and the program runs" {
  mkdir -p config/pbrun
  cp /bin/true tool
  printf '%s\n' '# mine' 'tool word then=do' 'python* none' >config/pbrun/profiles
  "$PBRUN" ./tool "do" it now
  "$PBRUN" /usr/bin/python3 -c pass
  "$PBRUN" /usr/bin/python3 /dev/null
  [ "$(profiles)" = "do it python3" ]
  echo 'tool wrong' >>config/pbrun/profiles
  run "$PBRUN" ./tool "do" it now
  [ "$status" -eq 0 ]
  [ "$output" = "pbrun: warning: $WORK/config/pbrun/profiles: line 4 is not a rule as pbrun(1) has them: ignored" ]
  # Nor does a file of rules that is none keep the program from running.
  rm config/pbrun/profiles
  mkfifo config/pbrun/profiles
  run timeout 60 "$PBRUN" ./tool x
  [ "$status" -eq 0 ]
  [ "$output" = "pbrun: warning: $WORK/config/pbrun/profiles: ignored: it is no text file of less than 1 MiB" ]
  rm config/pbrun/profiles
  run "$PBRUN" ./tool x
  [ "$status" -eq 0 ]
  [ -z "$output" ]
}

@test "the manual has every program that there is a rule for" {
  source=$BATS_TEST_DIRNAME/../..
  names=$(sed -nE 's/^\t"([^ ]+) (script|name|word|command).*/\1/p' "$source/lib/profile_rules.c" | tr ',' '\n' |
    grep -v '\[')
  [ "$(wc -w <<<"$names")" -gt 40 ]
  sed -n '/^.Sh PROFILES/,/^.Sh LINKS/p' "$source/man/pbrun.1" | tr -c 'a-zA-Z0-9-' '\n' >words
  for name in $names; do
    grep -qx -e "$name" words || { echo "not in pbrun(1): $name"; false; }
  done
}

@test "the first start of a second script prefetches what it has in common with the first" {
  mkdir a b c
  echo 'import json; print(open("a/data").read(1))' >a/x.py
  echo 'print("y")' >b/y.py
  echo x >a/data
  "$PBRUN" -R r1 /usr/bin/python3 a/x.py
  settled
  [ "$(json r1 'j["prefetch"]["bytes"] + j["prefetch"]["resident_bytes"]')" = 0 ]
  run "$PBRUN" -v -R r2 /usr/bin/python3 b/y.py
  [[ $output == *"have in common"* ]]
  [ "$(json r2 '[j["shadow"], j["record"]["mode"]]')" = '["none", "train"]' ]
  [ "$(json r2 'j["prefetch"]["bytes"] + j["prefetch"]["resident_bytes"] > 1000000')" = true ]
  settled
  # What is of the first alone does not come in: the record of the second is its own.
  [ "$("$PBRUN" --json --show --profile "$WORK/b/y.py" /usr/bin/python3 |
    json - '[f["path"] for f in j["files"] if "/a/" in f["path"]]')" = '[]' ]
  # Also for what has no profile.
  run "$PBRUN" -v "$(realpath /usr/bin/python3)" -c pass
  [[ $output == *"have in common"* ]]
  run "$PBRUN" -n -v /usr/bin/python3 c/z.py
  [[ $output != *"have in common"* ]]
}
