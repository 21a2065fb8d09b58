# Loaded by the test files here: starts a large program with and without pbrun, as root and as an
# ordinary user, and compares.

load ../cli/common

setup() {
  make_work
  # The build directory may be closed to an ordinary user.
  cp "$PBRUN" "$WORK/pbrun"
  mkdir -m 0700 "$WORK/home" "$WORK/shadows"
  export HOME=$WORK/home XDG_CACHE_HOME=$WORK/home/.cache
  unset XDG_RUNTIME_DIR
}

# Without any capability, nor a way to get one.
as_ordinary_user() {
  if ((EUID == 0)); then
    setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@"
  else
    "$@"
  fi
}

# Drops from memory what the shadows name: the next start is cold.
evict_recorded_files() { # USER
  sync
  "$1" /usr/bin/python3 - "$WORK/pbrun" <<'END'
import json, os, subprocess, sys
def pbrun(*options):
    return json.loads(subprocess.run([sys.argv[1], "--json", *options], stdout=subprocess.PIPE, check=True).stdout)
for shadow in pbrun("--list")["shadows"]:
    for file in pbrun("--profile", shadow["profile"], "--show", shadow["program"])["files"]:
        if file["extents"] and os.path.isfile(file["path"]) and os.access(file["path"], os.R_OK):
            fd = os.open(file["path"], os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)
END
}

# What a run left behind, to be compared; a test file may say more.
outcome() {
  :
}

# One start: what it printed, its status, what it left behind.
start() { # COMMAND...
  local status=0
  "$@" 2>/dev/null || status=$?
  echo "status $status"
  outcome
}

# USER is a command in front of pbrun: env or as_ordinary_user.
runs_unchanged_and_prefetches() { # USER COMMAND...
  local user=$1 plain first second
  shift
  # Nobody believes a directory that others can write to.
  [[ $user == env || $EUID != 0 ]] || chown -R 65534:65534 "$WORK/home" "$WORK/shadows"
  start "$user" "$@" >/dev/null # a first start may set things up for the later ones
  plain=$(start "$user" "$@")
  first=$(start "$user" "$WORK/pbrun" --report "$WORK/home/first" "$@")
  settled || true # what it left behind in the background may go on for longer
  evict_recorded_files "$user"
  second=$(start "$user" "$WORK/pbrun" --report "$WORK/home/second" "$@")
  cat "$WORK/home/first" "$WORK/home/second"
  diff <(echo "$plain") <(echo "$first")
  diff <(echo "$plain") <(echo "$second")
  [ "$(json "$WORK/home/first" 'j["shadow"]')" = none ]
  [ "$(json "$WORK/home/first" 'j["record"]["pages"] > 0')" = true ]
  [ "$(json "$WORK/home/second" 'j["shadow"] != "none"')" = true ]
  [ "$(json "$WORK/home/second" 'j["prefetch"]["bytes"] > 0')" = true ]
}
