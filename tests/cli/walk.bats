#!/usr/bin/env bats
# packages: cmake python3 util-linux less libglib2.0-bin
# A person's walk: installs pbrun, asks the doctor, starts a program twice, looks at what is remembered, measures, forgets,
# and uninstalls; on terminals of several kinds.

load common

bats_require_minimum_version 1.5.0

setup() {
  make_work
  cp /bin/cat "$WORK/program"
  head -c 300000 /dev/zero >"$WORK/data"
  unset PBRUN_DIR COLUMNS NO_COLOR PAGER PBRUN_PAGER LESS LC_ALL LC_CTYPE
  mkdir "$WORK/home" "$WORK/tmp"
  export HOME=$WORK/home TMPDIR=$WORK/tmp TERM=xterm LANG=C.UTF-8 LESSHISTFILE=-
  unset XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME
}

install_pbrun() {
  local build
  build=$(dirname "$PBRUN")
  [ -e "$build/cmake_install.cmake" ] || skip "not in a build directory"
  DESTDIR=$WORK/root cmake --install "$build" --prefix /usr >"$WORK/log"
  PATH=$WORK/root/usr/bin:$PATH
  [ "$(type -P pbrun)" = "$WORK/root/usr/bin/pbrun" ]
}

# Each line of standard input, without what a terminal would obey.
plain() {
  tr -d '\r' | sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g; s/\x1b[=>]//g'
}

# Runs a command on a terminal of so many columns; no line is wider but messages, which are one line, and a path that is not cut.
walk_on() { # COLUMNS COMMAND...
  local columns=$1
  shift
  script -qec "stty cols $columns rows 1000; $*" /dev/null </dev/null >"$WORK/raw"
  cat "$WORK/raw" >>"$WORK/all"
  plain <"$WORK/raw" >"$WORK/screen"
  cat "$WORK/screen"
  /usr/bin/python3 - "$columns" "$WORK/screen" <<'END'
import sys
columns, lines = int(sys.argv[1]), open(sys.argv[2], encoding="utf-8").read().splitlines()
wide = [line for line in lines if len(line) > columns and not line.startswith("pbrun: ") and max(map(len, line.split())) < columns // 2]
assert not wide, wide
END
}

the_walk() { # COLUMNS
  walk_on "$1" pbrun --doctor
  grep -qE 'works here' "$WORK/screen"
  walk_on "$1" pbrun --list
  grep -q "Nothing is recorded yet" "$WORK/screen"
  walk_on "$1" pbrun -v "$WORK/program" "$WORK/data" '|' tr -d '"\\0"'
  grep -q "recorded in training" "$WORK/screen"
  settled
  walk_on "$1" pbrun -v "$WORK/program" "$WORK/data" '|' tr -d '"\\0"'
  grep -q "faults\? waited" "$WORK/screen"
  walk_on "$1" pbrun --list
  grep -q fresh "$WORK/screen"
  walk_on "$1" pbrun --show "$WORK/program"
  grep -q "remembered" "$WORK/screen"
  walk_on "$1" pbrun --dry-run "$WORK/program" "$WORK/data"
  grep -q "prefetch" "$WORK/screen"
  walk_on "$1" pbrun --benchmark -n 1 "$WORK/program" "$WORK/data"
  grep -q "cold, through pbrun\|cold, t" "$WORK/screen"
  walk_on "$1" pbrun --forget "$WORK/program"
  grep -q "forgot" "$WORK/screen"
  walk_on "$1" pbrun --list
  grep -q "Nothing is recorded yet" "$WORK/screen"
}

@test "on terminals of 40, 80 and 200 columns; uninstalled, nothing is left" {
  install_pbrun
  for columns in 40 80 200; do
    the_walk "$columns"
  done
  # Uninstalling removes what was installed, and purging the recordings.
  settled && rm -rf "$WORK/root" "$HOME/.cache/pbrun"
  [ -z "$(find "$HOME" "$WORK/tmp" -type f)" ]
}

@test "on a dumb terminal, in the C locale, without colour" {
  install_pbrun
  TERM=dumb the_walk 80
  run -1 grep -q $'\e' "$WORK/all"
  LANG=C the_walk 80
  NO_COLOR=1 the_walk 80
}

@test "piped: no escape, no pager, nothing cut" {
  install_pbrun
  pbrun "$WORK/program" "$WORK/data" >/dev/null
  {
    pbrun --doctor
    pbrun --list
    pbrun --show "$WORK/program"
    pbrun --benchmark -n 1 "$WORK/program" "$WORK/data"
  } 2>&1 | cat >"$WORK/out"
  grep -q "  $WORK/data\$" "$WORK/out"
  run -1 grep -q $'[\e\r]' "$WORK/out"
}

@test "a desktop entry is wrapped, started from the desktop, and taken back" {
  command -v gio >/dev/null || skip "gio is not installed"
  install_pbrun
  mkdir -p "$WORK/share/applications"
  export XDG_DATA_DIRS=$WORK/share:/usr/share
  printf '%s\n' '[Desktop Entry]' Type=Application Name=Viewer "Exec=$WORK/program $WORK/data" \
    >"$WORK/share/applications/viewer.desktop"
  pbrun --desktop viewer
  pbrun --wrapped | grep -q viewer
  grep -q '^Exec=.*pbrun.* .*/program ' "$HOME/.local/share/applications/viewer.desktop"
  gio launch "$HOME/.local/share/applications/viewer.desktop" >/dev/null
  is_recorded() { pbrun --list | grep -q "^$WORK/program .*fresh"; }
  eventually is_recorded
  settled
  pbrun --undo viewer
  [ ! -e "$HOME/.local/share/applications/viewer.desktop" ]
  [ -e "$WORK/share/applications/viewer.desktop" ]
  pbrun --forget "$WORK/program"
  [ "$(pbrun --list)" = "Nothing is recorded yet." ]
}
