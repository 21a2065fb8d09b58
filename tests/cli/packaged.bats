#!/usr/bin/env bats
# Records that packages ship in /usr/share/pbrun.

load common

setup() {
  make_work
  cp /bin/cat program
  seq 20000 >data
  "$PBRUN" -r train ./program data >/dev/null
  settled
  mv shadows trained
}

# The directory is only there for the command.
with_package() { # COMMAND...
  # shellcheck disable=SC2016
  unshare -m sh -c 'mount -t overlay overlay -o "lowerdir=$0/stage/usr/share:/usr/share" /usr/share && exec "$@"' \
    "$WORK" "$@"
}

needs_overlays() {
  mkdir -p stage/usr/share
  ((EUID == 0)) || skip "needs root"
  with_package true || skip "no overlays here"
}

@test "--export --format shadow writes it as a package ships it" {
  mkdir -p stage/usr/share
  umask 077
  run "$PBRUN" -d trained --export --format shadow ./program stage/usr/share/pbrun
  [ "$status" -eq 0 ]
  file=${lines[-1]}
  [[ $file == stage/usr/share/pbrun/program-*.shadow ]]
  [ "$(stat -c %a "$file" stage/usr/share/pbrun | paste -sd' ')" = "644 755" ]
  [ "$(find stage/usr/share/pbrun -type f)" = "$file" ]
  # Again, in place of the first.
  "$PBRUN" -d trained --export --format shadow ./program stage/usr/share/pbrun
  [ "$(find stage/usr/share/pbrun -type f)" = "$file" ]
  run "$PBRUN" -d trained --export --format shadow ./program
  [ "$status" -eq 125 ]
}

@test "what others may not read is not shipped" {
  mkdir stage
  chmod 600 data
  "$PBRUN" -d trained --export --format shadow ./program stage
  "$PBRUN" -d stage --show --json ./program >shown
  [ "$(json shown '[f["path"] for f in j["files"] if f["path"].endswith("/data")]')" = '[]' ]
  chmod 700 program
  run "$PBRUN" -d trained --export --format shadow ./program stage
  [ "$status" -eq 1 ]
  [[ $output == *"not every user may read the program"* ]]
}

@test "a start of which nothing else is remembered uses it, checked file by file" {
  needs_overlays
  "$PBRUN" -d trained --export --format shadow ./program stage/usr/share/pbrun
  with_package "$PBRUN" -r none -R report ./program data >/dev/null
  [ "$(json report 'j["shadow"]')" = fresh ]
  [ "$(json report 'j["prefetch"]["bytes"] + j["prefetch"]["resident_bytes"] > 100000')" = true ]
  run with_package "$PBRUN" --list
  [[ $output == *"$WORK/program"*"from /usr/share/pbrun"* ]]
  with_package "$PBRUN" --list --json >listed
  [[ $(json listed 'j["shadows"][0]["shadow_file"]') == /usr/share/pbrun/program-*.shadow ]]
  # A start that records has its own from then on; it begins with the package's.
  with_package "$PBRUN" -r train ./program data >/dev/null
  settled
  run with_package "$PBRUN" --list
  [[ $output != *"from /usr/share/pbrun"* ]]
  [ "$("$PBRUN" --show --json ./program | json - 'j["runs"]')" = 2 ]
  # Another version of a file is not asked for.
  settled && rm -r shadows
  cp /bin/tac program
  is_stale() {
    with_package "$PBRUN" -r none -R report ./program data >/dev/null
    [ "$(json report 'j["shadow"]')" = stale ]
  }
  eventually is_stale
}

@test "not if others could have written it" {
  needs_overlays
  "$PBRUN" -d trained --export --format shadow ./program stage/usr/share/pbrun
  chmod o+w stage/usr/share/pbrun/*.shadow
  run with_package "$PBRUN" -r none -R report ./program data
  [ "$status" -eq 0 ]
  [[ $output == *"/usr/share/pbrun/program-"*"ignored: it or its directory can be written by others"* ]]
  [ "$(json report 'j["shadow"]')" = none ]
}
