#!/usr/bin/env bats
# packages: libcap2-bin python3 util-linux
# Whose shadows are believed, who may read them, and what privileges of pbrun's file come to.

bats_require_minimum_version 1.5.0
load common

setup() {
  make_work
  cp "$PBRUN" "$WORK/pbrun"
  cp /bin/true "$WORK/program"
  cd "$WORK" || return
  unset XDG_CACHE_HOME
}

without_dir() { # COMMAND...
  env -u PBRUN_DIR "$@"
}

needs_root() {
  ((EUID == 0)) || skip "needs root"
}

user() {
  setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@"
}

# With a system's directory of the test's own, in a mount namespace.
with_system() { # COMMAND...
  mkdir -p "$WORK/system"
  # shellcheck disable=SC2016
  unshare -m sh -c 'mkdir -p /var/cache/pbrun && mount --bind "$0" /var/cache/pbrun && exec "$@"' "$WORK/system" "$@"
}

n_shadows() { # DIRECTORY
  find "$1" -name '*.shadow' 2>/dev/null | wc -l
}

@test "root with a user's HOME uses the system's directory, and says so once" {
  needs_root
  mkdir -p home secret system
  chmod 755 "$WORK" system
  chmod 700 secret
  chown 65534:65534 home
  run with_system env -u PBRUN_DIR HOME="$WORK/home" ./pbrun ./program
  settled
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 1 ]
  [[ ${lines[0]} == "pbrun: warning: $WORK/home/.cache/pbrun: "*"another user"*"/var/cache/pbrun"* ]]
  [ -z "$(ls -A home)" ]
  [ "$(n_shadows system)" -eq 1 ]
  for command in --list --show --dry-run --forget; do
    arguments=(./program)
    [ "$command" != --list ] || arguments=()
    run with_system env -u PBRUN_DIR HOME="$WORK/home" ./pbrun "$command" "${arguments[@]}"
    echo "$command: $output"
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == "pbrun: warning: $WORK/home/.cache/pbrun: "*"another user"*"/var/cache/pbrun"* ]]
  done
  [ "$(n_shadows system)" -eq 0 ]
  run with_system env -u PBRUN_DIR HOME="$WORK/home" ./pbrun --doctor
  [[ $output == *"another user"*"Root records in /var/cache/pbrun instead"* ]]

  # A planted link leads nowhere.
  user mkdir -p home/.cache
  user ln -s "$WORK/secret" home/.cache/pbrun
  run with_system env -u PBRUN_DIR HOME="$WORK/home" ./pbrun ./program
  [ "$status" -eq 0 ]
  [[ $output == *"link"* ]]
  [ -z "$(ls -A secret)" ]
  run with_system env -u PBRUN_DIR HOME="$WORK/home" ./pbrun --list
  [ "$status" -eq 0 ]
  [[ ${lines[0]} == *"link"*"/var/cache/pbrun"* ]]
}

@test "a directory that others can write to is neither read nor written" {
  mkdir -m 777 open
  run ./pbrun -d "$WORK/open" -r train sh -c 'exit 5'
  echo "$output"
  [ "$status" -eq 5 ]
  [[ ${lines[0]} == *"$WORK/open: "*"written by others"* ]]
  [ "$(n_shadows open)" -eq 0 ]
  chmod 1777 open
  run ./pbrun -d "$WORK/open" --list
  [ "$status" -eq 1 ]
  [[ $output == *"written by others"* ]]
  chmod 755 open
  ./pbrun -d "$WORK/open" ./program
  settled
  [ "$(stat -c %a open/*.shadow)" = 600 ]
  # Told once, also where the shadow lies in memory and the launcher has looked before the observer does.
  chmod 777 open
  run ./pbrun -d "$WORK/open" -r none ./program
  echo "$output"
  [ "$(grep -c "written by others" <<<"$output")" -eq 1 ]
}

@test "a shadow of somebody else's, with a second name, or open to all is refused, told, and replaced" {
  for harm in 'chmod 666' 'chmod 620' 'chown 65534' 'ln -f SHADOW kept'; do
    [[ $harm == chown* ]] && ((EUID != 0)) && continue
    settled && rm -rf shadows kept
    ./pbrun ./program
    settled
    shadow=$(ls shadows/*.shadow)
    if [[ $harm == *SHADOW* ]]; then ${harm/SHADOW/$shadow}; else $harm "$shadow"; fi
    run ./pbrun --list
    [ "$status" -eq 0 ]
    [[ $output == *"${shadow##*/}"*"ignored: it "* ]]
    run ./pbrun ./program
    echo "$harm: $output"
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *"$shadow: ignored: it "*"made anew"* ]]
    settled
    [ "$(stat -c '%a %h %u' "$shadow")" = "600 1 $EUID" ]
    run ./pbrun ./program
    [ -z "$output" ]
  done
}

@test "a HOME that is relative, or not there, is told and left alone" {
  for home in relative ./x /nonexistent "$WORK/none"; do
    run without_dir HOME="$home" ./pbrun sh -c 'exit 5'
    echo "$output"
    [ "$status" -eq 5 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *"HOME=$home is not"* ]]
    [ ! -e "$home" ]
  done
}

@test "too few descriptors: the shadow is left as it is, and nobody says that it will be made anew" {
  ./pbrun ./program
  settled
  before=$(md5sum shadows/*.shadow)
  for n in 4 5; do
    # shellcheck disable=SC2016
    run bash -c 'ulimit -n "$1"; exec ./pbrun ./program' bash "$n" 3>&-
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output != *anew* ]]
  done
  settled
  [ "$(bash -c 'md5sum shadows/*.shadow')" = "$before" ]
}

@test "what root records for everybody everybody reads, whatever root's umask, and finds no private name in it" {
  needs_root
  chmod 755 "$WORK"
  mkdir -m 700 private
  mkdir -m 755 public
  echo x >private/letter
  echo x >public/letter
  echo x >public/own && chmod 600 public/own
  printf '#!/bin/sh\ncat %s/private/letter %s/public/letter %s/public/own\n' "$WORK" "$WORK" "$WORK" >script
  chmod 755 script
  # shellcheck disable=SC2016
  with_system sh -c 'umask 077; ./pbrun -d /var/cache/pbrun -r train ./script'
  settled
  [ "$(stat -c %a system system/*.shadow)" = "755
644" ]
  run ! grep -q -a private system/*.shadow
  run ! grep -q -a own system/*.shadow
  grep -q -a public system/*.shadow
  mkdir home && chown 65534:65534 home
  run with_system setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
    env -u PBRUN_DIR HOME="$WORK/home" ./pbrun --json --show ./script
  echo "$output"
  [ "$status" -eq 0 ]
  run with_system setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
    env -u PBRUN_DIR HOME="$WORK/home" ./pbrun -r none -R "$WORK/home/report" ./program
  [ -z "$output" ]
}

status_fields='^(Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|SigBlk|SigIgn):'

@test "setuid, setgid and file capabilities of pbrun: the program has what its caller had" {
  needs_root
  [[ $(findmnt -no OPTIONS -T "$WORK") != *nosuid* ]] || skip "nosuid"
  mkdir home && chown 65534:65534 home
  as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all)
  plain=$("${as_user[@]}" grep -E "$status_fields" /proc/self/status)
  for privilege in 'chmod 4755' 'chmod 2755' 'chmod 6755' 'setcap cap_sys_admin,cap_dac_override+ep'; do
    rm -f privileged # an observer of it may still be at work
    cp "$PBRUN" privileged
    chmod 755 privileged
    $privilege privileged
    for mode in train sample none; do
      run "${as_user[@]}" ./privileged -d "$WORK/home/s" -r "$mode" grep -E "$status_fields" /proc/self/status
      echo "$privilege, $mode: $output"
      [ "$status" -eq 0 ]
      [ "$output" = "$plain" ]
    done
  done
}

@test "a pbrun with privileges does not listen to the environment" {
  needs_root
  [[ $(findmnt -no OPTIONS -T "$WORK") != *nosuid* ]] || skip "nosuid"
  mkdir home && chown 65534:65534 home
  for privilege in 'chmod 4755' 'chmod 2755' 'setcap cap_sys_admin+ep'; do
    rm -f privileged # an observer of it may still be at work
    cp "$PBRUN" privileged
    chmod 755 privileged
    $privilege privileged
    setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
      env PBRUN_DIR="$WORK/home/1" XDG_CACHE_HOME="$WORK/home/2" HOME="$WORK/home" PBRUN_RECORD=nonsense \
      ./privileged -R "$WORK/home/report" true 2>err
    cat err
    [ "$(json home/report 'j["record"]["reason"]')" = "there is no shadow directory" ]
    [ -z "$(find home -name '*.shadow')" ]
    run ! grep -q nonsense err
    # What the caller says on the command line is obeyed.
    setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all ./privileged -d "$WORK/home/3" true
    settled
    [ "$(n_shadows home/3)" -eq 1 ]
    [ "$(stat -c %U home/3)" = nobody ]
    rm home/report
    rm -rf home/3
  done
}

# An access control list, acl(5), which lets somebody else read and write. The mask shows in the group's bits.
let_write() { # FILE
  /usr/bin/python3 -c '
import errno, os, struct, sys
entries = [(1, 7, 0xffffffff), (2, 7, 65534), (4, 0, 0xffffffff), (16, 7, 0xffffffff), (32, 0, 0xffffffff)]
try: os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries))
except OSError as e: sys.exit(77 if e.errno == errno.EOPNOTSUPP else 1)' "$1" || skip "no access control lists here"
}

@test "what an access control list lets others write is refused" {
  "$PBRUN" -r train ./program
  settled
  shadow=$(echo "$PBRUN_DIR"/*.shadow)
  let_write "$shadow"
  run "$PBRUN" --list
  [[ "$output" == *"ignored: it or its directory can be written by others"* ]]
  run "$PBRUN" -r none ./program
  [[ "$output" == *"can be written by others"* ]]
  chmod 600 "$shadow"
  let_write "$PBRUN_DIR"
  run "$PBRUN" -r none ./program
  [ "$status" -eq 0 ]
  [[ "$output" == *"not used as shadow directory"*"can be written by others"* ]]
}

@test "--forget says where a record is that is not in the own directory" {
  needs_root
  mkdir -m 755 system
  chmod 755 "$WORK"
  with_system ./pbrun -d /var/cache/pbrun -r train ./program
  settled
  [ "$(n_shadows system)" -eq 1 ]
  run with_system ./pbrun --forget ./program
  [ "$status" -eq 1 ]
  [[ $output == "pbrun: forget: /var/cache/pbrun/program-"*"--dir" ]]
  [ "$(n_shadows system)" -eq 1 ]
  with_system ./pbrun -d /var/cache/pbrun --forget ./program
  [ "$(n_shadows system)" -eq 0 ]
}
