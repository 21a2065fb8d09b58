# Loaded by the test files here. PBRUN and PBRUN_HELPERS come from ctest.

# $WORK: a directory of the test's own, with the recordings in it. Other users may enter. It is in the environment of all
# that the test starts: by that settled() knows them. The test works there.
make_work() {
  WORK=$(mktemp -d "${TMPDIR:-/tmp}/pbrun-test.XXXXXX")
  export WORK
  chmod 1777 "$WORK"
  export PBRUN_DIR=$WORK/shadows
  unset PBRUN_RECORD PBRUN_DISABLE
  cd "$WORK" || return
  # What a start looks for first: if it has to come from a disk that is busy, the start does without a record.
  stat -- /etc/pbrun.conf /var/cache/pbrun "${HOME:-/}"/.config/pbrun/{config,profiles} >/dev/null 2>&1 || true
}

# An observer may still write to it.
remove_work() {
  cd / || return
  eventually rm -rf "$WORK" 2>/dev/null
}

# Of test files that need no more than that.
setup() {
  make_work
}

teardown() {
  remove_work
}

# Until a command succeeds, for 60 s at most.
eventually() { # COMMAND...
  local attempts=1200
  until "$@"; do
    ((attempts-- > 0)) || return 1
    sleep 0.05
  done
}

# The processes of pbrun that this test has started: launchers whose program does not run yet, and observers, also those
# whose tracing thread, the first, has ended.
pbrun_processes() {
  find /proc/[0-9]*/task/[0-9]*/exe -maxdepth 0 \( -lname '*/pbrun*' -o -lname "$WORK/*" \) -printf '%h/environ\n' 2>/dev/null |
    xargs -r grep -lazxF "WORK=$WORK" 2>/dev/null | cut -d / -f 3 | sort -u
}

# The calls by which processes were made, in what strace(1) wrote; threads are none.
forks_in() { # LOG
  grep -E '(clone3?|fork)\(' "$1" | grep -v CLONE_THREAD
}

# Waits until no observer of this test is at work any more. The record of a start may be written when the program has
# ended and its caller goes on; so may a report. To be called between a start and whatever looks at, compares, damages or
# moves files of the store, or evicts what was recorded, or expects of the next start that it knows of this one. Not while
# a program runs that is followed: its observer is one, too.
settled() {
  eventually is_settled
}

is_settled() {
  [ -z "$(pbrun_processes)" ]
}

# Observers hold what is mounted.
unmount() { # DIRECTORY
  eventually umount "$1" 2>/dev/null
}

# Takes files out of memory, when what was started before has settled. Skips the test where that cannot be.
evict() { # FILE...
  local attempts=100 file
  settled
  sync "$@"
  # Pages that somebody has just read may be on their way to a list still.
  while ((attempts-- > 0)); do
    for file in "$@"; do
      dd if="$file" iflag=nocache count=0 status=none
    done
    [ "$(resident_pages "$1")" -ne 0 ] || return 0
    sleep 0.05
  done
  skip "this file system keeps its pages"
}

resident_pages() { # FILE
  fincore --raw --noheadings --output PAGES "$1"
}

# Who traces a process; 0: nobody.
tracer_of() { # PID
  awk '/^TracerPid:/ {print $2}' "/proc/$1/status"
}

is_traced() { # PID
  (($(tracer_of "$1") > 0))
}

is_untraced() { # PID
  (($(tracer_of "$1") == 0))
}

# The value that a Python expression has for the JSON document j in a file (or - for stdin). A file is waited for until it
# is whole: a report may be written after the program's end.
json() { # FILE EXPRESSION
  /usr/bin/python3 -c '
import json, sys, time
def load():
    until = time.monotonic() + 60
    while True:
        try:
            with open(sys.argv[1]) as file: return json.load(file)
        except (OSError, ValueError):
            if time.monotonic() > until: raise
        time.sleep(0.02)
j = json.load(sys.stdin) if sys.argv[1] == "-" else load()
value = eval("(" + sys.argv[2] + ")") # of several lines, too
print(value if isinstance(value, str) else json.dumps(value))' "$1" "$2"
}
