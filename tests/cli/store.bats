#!/usr/bin/env bats
# packages: python3 util-linux
# What is left out of the store, what goes from it, and many launches at once.

bats_require_minimum_version 1.5.0
load common

setup() {
  make_work
  export HOME=$WORK/home
  unset XDG_CONFIG_HOME
  mkdir -p home/.config/pbrun nas/deep
  echo a >nas/deep/a
  echo b >b.secret
  echo c >c
  printf '#!/bin/sh\ncat %s/nas/deep/a %s/b.secret %s/c\n' "$WORK" "$WORK" "$WORK" >script
  chmod +x script
}

# Which of the three files the script's shadow names.
named() {
  settled
  "$PBRUN" --json --show ./script | json - \
    "' '.join(sorted(f['path'][len('$WORK') + 1:] for f in j['files'] if f['path'].startswith('$WORK/') and f['kind'] == 'read'))"
}

names() { # FILES
  [ "$(named)" = "$1" ]
}

n_shadows() {
  find "$PBRUN_DIR" -name '*.shadow' | wc -l
}

@test "--exclude: neither recorded nor prefetched" {
  "$PBRUN" -r train ./script
  eventually names "b.secret c nas/deep/a script"
  # What is remembered already is not prefetched, and goes.
  looked_at='j["prefetch"]["bytes"] + j["prefetch"]["resident_bytes"]'
  # So short a script may end, on a busy machine, before all has been looked at.
  two_files_less() {
    "$PBRUN" -r none -R with ./script
    "$PBRUN" -r none -R without --exclude "$WORK/nas/" -x '*.secret' ./script
    [ "$(json without "$looked_at")" -eq "$(($(json with "$looked_at") - 2 * $(getconf PAGE_SIZE)))" ]
  }
  eventually two_files_less
  "$PBRUN" -r train -x "$WORK/nas/" -x '*.secret' ./script
  eventually names "c script"
  run grep -a -e nas -e b.secret "$PBRUN_DIR"/*.shadow
  [ "$status" -eq 1 ]
  run "$PBRUN" --exclude / ./script
  [ "$status" -eq 125 ]
}

@test "exclude in the user's configuration, below the home" {
  printf '# private\nexclude = ~/../nas\nexclude = *.secret\n' >home/.config/pbrun/config
  HOME=$WORK/home/../home "$PBRUN" -r train ./script
  eventually names "c nas/deep/a script"
  printf 'exclude = %s/nas\n' "$WORK" >home/.config/pbrun/config
  "$PBRUN" -r train ./script
  eventually names "b.secret c script"
  mkdir -p other/pbrun
  echo 'exclude = c' >other/pbrun/config
  XDG_CONFIG_HOME=$WORK/other "$PBRUN" -r train ./script
  eventually names "b.secret nas/deep/a script"
}

@test "exclude for all, in /etc/pbrun.conf" {
  ((EUID == 0)) || skip "needs root"
  mkdir etc
  echo 'exclude = *.secret' >etc/pbrun.conf
  # shellcheck disable=SC2016
  unshare -m sh -c 'mount -t overlay overlay -o "lowerdir=$0/etc:/etc" /etc || exit 77; exec "$1" -r train ./script' \
    "$WORK" "$PBRUN" || { [ $? -ne 77 ] || skip "no overlay filesystem"; false; }
  eventually names "c nas/deep/a script"
}

@test "a configuration that is wrong, or not to be trusted, is told, and the program runs" {
  printf 'store-age = 3\ncolour = red\n' >home/.config/pbrun/config
  run "$PBRUN" sh -c 'exit 5'
  [ "$status" -eq 5 ]
  [[ ${lines[0]} == "pbrun: warning: $HOME/.config/pbrun/config:2: "* ]]
  chmod 666 home/.config/pbrun/config
  run "$PBRUN" sh -c 'exit 5'
  [ "$status" -eq 5 ]
  [[ ${lines[0]} == *"config: ignored: "*"others"* ]]
  rm home/.config/pbrun/config && mkfifo home/.config/pbrun/config
  run timeout 60 "$PBRUN" sh -c 'exit 5'
  [ "$status" -eq 5 ]
}

@test "shadows of programs that are gone go, and so do the limits' excess" {
  for i in $(seq 12); do
    cp /bin/true "program$i"
    "$PBRUN" "./program$i"
  done
  has_twelve() { [ "$(n_shadows)" -eq 12 ]; }
  eventually has_twelve
  settled
  rm program?
  touch -d '2 days ago' "$PBRUN_DIR/.tidied"
  "$PBRUN" -r train ./program10
  has_three() { [ "$(n_shadows)" -eq 3 ]; }
  eventually has_three
  settled
  echo 'store-size = 1' >home/.config/pbrun/config
  touch -d '2 days ago' "$PBRUN_DIR/.tidied"
  "$PBRUN" -r train ./program10
  has_none() { [ "$(n_shadows)" -eq 0 ]; }
  eventually has_none
}

@test "64 launches of one program, and of 64 programs, at once: each run counts" {
  cp /bin/true program
  mkdir many
  for i in $(seq 64); do cp /bin/true "many/p$i"; done
  for i in $(seq 64); do
    "$PBRUN" -r train ./program 3>&- &
    "$PBRUN" -r train "many/p$i" 3>&- &
  done
  wait
  has_all_runs() { [ "$("$PBRUN" --json --show ./program | json - 'j["runs"]')" = 64 ]; }
  eventually has_all_runs
  has_all() { [ "$(n_shadows)" -eq 65 ]; }
  eventually has_all
  settled
  [ "$("$PBRUN" --json --list | json - 'sorted({s["runs"] for s in j["shadows"] if "/many/" in s["program"]})')" = "[1]" ]
}
