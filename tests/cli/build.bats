#!/usr/bin/env bats
# packages: python3
# Programs that start many others: how far their training goes.

load common

# A build: each job is a shell that starts more processes. What it is to be done is told by the names of its arguments.
make_jobs() { # NUMBER
  for i in $(seq "$1"); do echo "data $i" >"source$i"; done
  cat >job.sh <<'EOF'
for word in a b c d e f g h i j k l; do [ -e /nowhere ] || /bin/true; done
cat "$1"
EOF
  for i in $(seq "$1"); do echo "sh -c 'sh job.sh source$i'"; done >build.sh
}

read_sources() { # how many of them are remembered as read
  recorded_of build.sh "f['path'].startswith('$WORK/source') and f['extents']"
}

recorded_of() { # SCRIPT EXPRESSION-OVER-f
  settled
  "$PBRUN" --json --show /usr/bin/dash -p x | json - "sum(1 for f in j['files'] if ($2))"
}

# Two trainings: each follows some of the children, and the second one others than the first.
gets_further() {
  settled
  "$PBRUN" --forget /usr/bin/dash -p x || true
  [ "$("$PBRUN" -p x -R report dash build.sh | wc -l)" -eq 120 ] &&
    [ "$(json report 'j["record"]["cut"]')" = children ] &&
    first=$(read_sources) && [ "$first" -gt 0 ] && [ "$first" -lt 120 ] &&
    [ "$("$PBRUN" --json --show dash -p x | json - 'j["training_was_cut"]')" = true ] &&
    "$PBRUN" --show dash -p x | grep -q 'cut short' &&
    [ "$("$PBRUN" -v -p x -R report dash build.sh 2>err | wc -l)" -eq 120 ] &&
    [ "$(json report 'j["record"]["reason"]')" = "the last training was cut short" ] &&
    second=$(read_sources) && [ "$second" -gt "$first" ]
}

@test "a build is not followed for ever, and each training goes further" {
  make_jobs 120
  # How far is a matter of the time that the tracer takes of a CPU: on a busy machine, now and then, not far enough.
  gets_further || gets_further || gets_further || gets_further || gets_further
  if [ "$(json report 'j["record"].get("cut", "")')" = children ]; then
    grep -q 'cut short after' err
  fi
  # What was followed is not followed again, and not forgotten.
  for _ in 3 4; do "$PBRUN" -p x dash build.sh >/dev/null; done
  [ "$(read_sources)" -ge "$second" ]
}

@test "whoever asks for training gets all of it" {
  make_jobs 120
  "$PBRUN" -r train -w 250 -p x -R report dash build.sh >/dev/null
  [ "$(json report 'j["record"].get("cut", "")')" = "" ]
  [ "$(read_sources)" -eq 120 ]
}
