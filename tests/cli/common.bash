# Loaded by the test files here. PBRUN and PBRUN_HELPERS come from ctest.

# $WORK: a directory of the test's own, with the recordings in it. Other users may enter.
make_work() {
  WORK=$(mktemp -d "${TMPDIR:-/tmp}/pbrun-test.XXXXXX")
  chmod 1777 "$WORK"
  export PBRUN_DIR=$WORK/shadows
  unset PBRUN_RECORD PBRUN_DISABLE
}

# An observer may still write to it.
remove_work() {
  eventually rm -rf "$WORK" 2>/dev/null
}

# Until a command succeeds, for 30 s at most.
eventually() { # COMMAND...
  local attempts=600
  until "$@"; do
    ((attempts-- > 0)) || return 1
    sleep 0.05
  done
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

# The value that a Python expression has for the JSON document j in a file (or - for stdin).
json() { # FILE EXPRESSION
  /usr/bin/python3 -c '
import json, sys
j = json.load(sys.stdin if sys.argv[1] == "-" else open(sys.argv[1]))
value = eval(sys.argv[2])
print(value if isinstance(value, str) else json.dumps(value))' "$1" "$2"
}
