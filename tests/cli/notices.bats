#!/usr/bin/env bats
# packages: python3
# What goes wrong in the observer, when the program runs already, is told all the same.

load common

# The observer has written its notice, or taken it back.
await_notices() { # NUMBER
  settled
  [ "$(find "$PBRUN_DIR" -name '*.notice' | wc -l)" -eq "$1" ]
}

not_told_again() {
  run "$PBRUN_HELPERS/deny" ptrace=5 "$PBRUN" sh -c 'echo out; exit 5'
  echo "$output"
  [ "$status" -eq 5 ] && [ "$output" = out ]
}

takes_back() { # HOW MANY ARE LEFT
  "$PBRUN" -r train sh -c 'exit 0'
  await_notices "$1"
}

@test "a program that cannot be watched: told at the start, once, and listed until it can be" {
  # Not a refusal, which there are other ways around.
  run "$PBRUN_HELPERS/deny" ptrace=5 "$PBRUN" sh -c 'echo out; exit 5'
  echo "$output"
  [ "$status" -eq 5 ]
  [ "${#lines[@]}" -eq 2 ]
  [[ ${lines[0]} == "pbrun: warning: "*"/dash: cannot be watched"*"Input/output error"* ]]
  await_notices 1
  # The launcher waits for no disk to know what was told: it is told again if somebody has dropped the caches.
  eventually not_told_again
  [[ $("$PBRUN" --list 2>&1) == *"warning: "*"/dash: cannot be watched"* ]]
  [ "$("$PBRUN" --list --json | json - 'len(j["notices"])')" -eq 1 ]
  # One who cannot be watched is told of in the report, too.
  "$PBRUN_HELPERS/deny" ptrace=5 "$PBRUN" -R report true 2>/dev/null
  eventually [ -s report ] # nobody holds its end
  [[ $(json report 'j["warnings"]') == *"cannot be watched"* ]]
  # One that goes well takes it back.
  eventually takes_back 1
  [[ $("$PBRUN" --list 2>&1) != *"/dash: cannot be watched"* ]]
}

@test "a shadow that was not written: told by the next launch, once" {
  "$PBRUN" sh -c 'exit 0'
  settled
  shadow=$(ls "$PBRUN_DIR"/*.shadow)
  rm "$shadow" && mkdir "$shadow"
  run "$PBRUN" -r train sh -c 'echo out'
  await_notices 1
  [ "$output" = out ] || [[ $output == *"it will be made anew"*out ]]
  run "$PBRUN" -r none sh -c 'echo out'
  echo "$output"
  settled
  [[ $output == *"pbrun: warning: at an earlier start of "*"/dash: $PBRUN_DIR: the shadow was not written: "*out ]]
  run "$PBRUN" -r none sh -c 'echo out'
  echo "$output"
  [[ $output != *"earlier start"* ]]
  [[ $("$PBRUN" --list 2>&1) == *"the shadow was not written"* ]]
  rmdir "$shadow"
  "$PBRUN" -r train sh -c 'exit 0'
  await_notices 0
}

@test "with --verbose it is said, and not again" {
  "$PBRUN" true
  settled
  shadow=$(ls "$PBRUN_DIR"/*.shadow)
  rm "$shadow" && mkdir "$shadow"
  run "$PBRUN" -v -r train true
  [[ $output == *"pbrun: warning: $PBRUN_DIR: the shadow was not written"* ]]
  await_notices 1
  run "$PBRUN" -r none true
  [[ $output != *"earlier start"* ]]
}

@test "what is forgotten has no notice any more" {
  "$PBRUN" true
  "$PBRUN_HELPERS/deny" ptrace=5 "$PBRUN" -r train true
  await_notices 1
  settled
  "$PBRUN" --forget true
  await_notices 0
  for profile in a b; do
    "$PBRUN_HELPERS/deny" ptrace=5 "$PBRUN" -r train -p "$profile" true
  done
  await_notices 2
  settled
  "$PBRUN" --forget true
  await_notices 0
}
