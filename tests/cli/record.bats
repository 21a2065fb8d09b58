#!/usr/bin/env bats
# packages: python3 util-linux
# What is recorded, when it is on disk, what the next start does with it.

load common

recorded() { # PROGRAM EXPRESSION-OVER-f: how many files it is true for
  settled
  "$PBRUN" --json --show "$1" | json - "sum(1 for f in j['files'] if ($2))"
}

is_resident() { # FILE
  [ "$(fincore --raw --noheadings --output PAGES "$1")" -eq $((($(stat -c %s "$1") + 4095) / 4096)) ]
}

@test "the shadow is on disk when the launch returns" {
  late=0
  for i in $(seq 8); do
    "$PBRUN" -p "run$i" true
    # A disk may stand still for longer than a program is held for it.
    [ "$(find "$PBRUN_DIR" -name '*.shadow' | wc -l)" -eq "$i" ] || late=$((late + 1))
    settled
    [ "$(find "$PBRUN_DIR" -name '*.shadow' | wc -l)" -eq "$i" ]
  done
  [ "$late" -le 2 ]
}

runs() {
  settled
  "$PBRUN" --show --json true | json - 'j["runs"]'
}

# All locks, but for that by which a record is announced: an observer waits 10 s for them.
hold_locks() {
  rm -f hold said
  mkfifo hold said
  /usr/bin/python3 -c '
import fcntl, os, struct, sys
F_OFD_SETLK = 37
file = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(file, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 1 << 62, 0))
print("held", flush=True)
sys.stdin.read()' "$PBRUN_DIR/.lock" <hold >said 3>&- &
  exec 8>hold
  read -r line <said
  [ "$line" = held ]
}

release_locks() {
  exec 8>&-
  wait
}

is_announced() {
  /usr/bin/python3 -c '
import fcntl, os, struct, sys
F_OFD_GETLK = 36
file = os.open(sys.argv[1], os.O_RDONLY)
lock = fcntl.fcntl(file, F_OFD_GETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 1 << 62, 1, 0))
sys.exit(struct.unpack("h", lock[:2])[0] == fcntl.F_UNLCK)' "$PBRUN_DIR/.lock"
}

# Were each held for a second, as after training, the first observer would have given up.
sampled_programs_go_on() {
  local first status=0 before n=11
  settled
  before=$(runs)
  hold_locks
  "$PBRUN" -r sample true 3>&- 8>&-
  first=$(pbrun_processes)
  for _ in $(seq $n); do "$PBRUN" -r sample true 3>&- 8>&-; done
  pbrun_processes | grep -qx "$first" && kill "$first" || status=1
  release_locks
  settled
  [ "$status" -eq 0 ] && [ "$(runs)" -eq $((before + n + 1)) ]
}

@test "a sampled program does not wait for its record, nor does that go with a service's other processes" {
  "$PBRUN" -r train true
  # So many starts may take long by themselves.
  sampled_programs_go_on || sampled_programs_go_on || sampled_programs_go_on
}

# A start for which pbrun was not ready in time is not recorded: then it takes another one.
announces() { # MODE
  "$PBRUN" -r "$1" true 3>&- 8>&-
  for _ in $(seq 20); do
    ! is_announced || return 0
    sleep 0.05
  done
  return 1
}

@test "who looks for a record waits until it is written, where the program did not, or did no longer" {
  "$PBRUN" -r train true
  for mode in sample train; do
    settled
    before=$(runs)
    hold_locks
    eventually announces "$mode"
    # shellcheck disable=SC2046 # its watchdog, too
    kill $(pbrun_processes)
    release_locks
    seen=$(runs)
    settled
    [ "$seen" -gt "$before" ]
    [ "$(runs)" -eq "$seen" ]
  done
}

@test "many lookups leave room for what is opened" {
  echo data >data
  "$PBRUN" -r train /usr/bin/python3 -c '
import os
for i in range(21000): os.path.exists(f"missing-{i}")
open("data").read()'
  [ "$(recorded /usr/bin/python3 "f['path'] == '$WORK/data' and f['kind'] == 'read'")" -eq 1 ]
  [ "$(recorded /usr/bin/python3 True)" -le 25100 ]
}

@test "the second start prefetches what the first one used" {
  head -c 1000000 /dev/urandom >data
  "$PBRUN" cat data >/dev/null
  [ "$(recorded cat "f['path'] == '$WORK/data' and f['kind'] == 'read' and sum(e[1] for e in f['extents']) == 245")" -eq 1 ]
  evict data
  # The program reads nothing of it before the prefetch has.
  eventually is_resident data | "$PBRUN" -R report cat - data >/dev/null
  [ "$(json report 'j["shadow"]')" = fresh ]
  # What arrives while it is asked for counts as resident.
  [ "$(json report 'j["prefetch"]["bytes"] > 0')" = true ]
  [ "$(json report 'j["prefetch"]["bytes"] + j["prefetch"]["resident_bytes"] >= 1000000')" = true ]
}

@test "just the ranges that were read" {
  head -c 4096000 /dev/zero >data
  "$PBRUN" -r train /usr/bin/python3 -c '
import os
fd = os.open("data", os.O_RDONLY)
os.pread(fd, 10, 100 * 4096)
os.lseek(fd, 200 * 4096 - 1, os.SEEK_SET)
os.read(fd, 2)
dup = os.dup(fd)
os.lseek(dup, 300 * 4096, os.SEEK_SET)
os.readv(fd, [bytearray(4096), bytearray(1)])
os.preadv(dup, [bytearray(1)], 400 * 4096)
r, w = os.pipe()
os.splice(fd, w, 4096, offset_src=500 * 4096)
os.read(r, 4096)
os.sendfile(os.open("/dev/null", os.O_WRONLY), fd, 600 * 4096, 4096)
'
  settled
  "$PBRUN" --json --show /usr/bin/python3 -p python3 >shown || "$PBRUN" --json --show /usr/bin/python3 >shown
  [ "$(json shown "[f['extents'] for f in j['files'] if f['path'] == '$WORK/data'][0]")" = \
    "[[100, 1], [199, 2], [300, 2], [400, 1], [500, 1], [600, 1]]" ]
}

@test "a descriptor that another process puts to another file" {
  head -c 40960 /dev/zero >first && cp first second
  "$PBRUN" -r train "$PBRUN_HELPERS/share_files" "$WORK/first" "$WORK/second"
  settled
  "$PBRUN" --json --show "$PBRUN_HELPERS/share_files" >shown
  [ "$(json shown "[f['extents'] for f in j['files'] if f['path'] == '$WORK/first'][0]")" = "[[1, 1]]" ]
  [ "$(json shown "[f['extents'] for f in j['files'] if f['path'] == '$WORK/second'][0]")" = "[[3, 1]]" ]
}

@test "a descriptor that a thread without syscall stops puts to another file" {
  head -c 40960 /dev/zero >first && cp first second
  "$PBRUN" -r train -w 120 /usr/bin/python3 -c '
import os, threading, time
parent = os.getpid()
if os.fork() == 0: # company, and always something new: the launch window stays open
    n = 0
    while os.getppid() == parent:
        for i in range(50): os.getppid()
        os.path.exists("new%d" % (n // 20))
        n += 1
    os._exit(0)
fd = os.open("first", os.O_RDONLY)
os.pread(fd, 1, 4096)
def talk_and_replace():
    for i in range(30000): os.getppid()
    os.close(fd)
    assert os.open("second", os.O_RDONLY) == fd
thread = threading.Thread(target=talk_and_replace)
thread.start()
thread.join()
os.pread(fd, 1, 3 * 4096)'
  settled
  "$PBRUN" --json --show /usr/bin/python3 >shown
  [ "$(json shown "[f['extents'] for f in j['files'] if f['path'] == '$WORK/first'][0]")" = "[[1, 1]]" ]
  [ "$(json shown "[f['extents'] for f in j['files'] if f['path'] == '$WORK/second'][0]")" = "[[3, 1]]" ]
}

@test "a sampled run keeps the names of a program that looks up many" {
  for _ in 1 2; do
    "$PBRUN" -r train /usr/bin/python3 -c "import os; [os.path.exists(f'$WORK/{i}') for i in range(500)]"
    settled
  done
  "$PBRUN" -r sample /usr/bin/python3 -c pass
  settled
  "$PBRUN" --json --show /usr/bin/python3 -p python3 >shown || "$PBRUN" --json --show /usr/bin/python3 >shown
  [ "$(json shown 'j["runs"]')" -eq 3 ]
  [ "$(json shown "sum(f['path'].startswith('$WORK/') for f in j['files'])")" -ge 500 ]
}

@test "mapped pages exactly as touched" {
  "$PBRUN_HELPERS/touch_pages" "$WORK/data"
  "$PBRUN" -r train "$PBRUN_HELPERS/touch_pages" "$WORK/data" 0 3 4 5 500 1023
  settled
  "$PBRUN" --json --show "$PBRUN_HELPERS/touch_pages" >shown
  [ "$(json shown "[f['extents'] for f in j['files'] if f['path'] == '$WORK/data'][0]")" = "[[0, 1], [3, 3], [500, 1], [1023, 1]]" ]
  [ "$(json shown "[f['exact'] for f in j['files'] if f['path'] == '$WORK/data'][0]")" = true ]
}

@test "pages that are unmapped, written to, or touched by a forked child count" {
  "$PBRUN_HELPERS/touch_pages" "$WORK/data"
  "$PBRUN" -r train "$PBRUN_HELPERS/touch_pages" "$WORK/data" 10 unmap 20 write:30 fork:40 vfork-exec thread:50
  settled
  "$PBRUN" --json --show "$PBRUN_HELPERS/touch_pages" >shown
  [ "$(json shown "[f['extents'] for f in j['files'] if f['path'] == '$WORK/data'][0]")" = \
    "[[10, 1], [20, 1], [30, 1], [40, 1], [50, 1]]" ]
}

@test "what was looked up, in vain too, and listed" {
  mkdir dir && touch dir/there
  "$PBRUN" -r train sh -c 'test -e dir/there; test -e dir/not-there; exec ls dir' >/dev/null
  settled
  "$PBRUN" --json --show sh >shown
  for file in dir/there dir/not-there dir; do
    [ "$(json shown "[f['kind'] for f in j['files'] if f['path'] == '$WORK/$file']")" = '["metadata"]' ]
  done
}

@test "the whole process tree" {
  printf '#!/bin/sh\ngrep -q x /dev/null\n/bin/true\n(exec expr 1 + 1)\n' >script && chmod +x script
  "$PBRUN" ./script >/dev/null
  for program in grep true expr; do
    [ "$(recorded ./script "f['path'].endswith('/$program') and f['kind'] == 'mapped'")" -eq 1 ]
  done
}

@test "deleted files, memfds and anonymous memory are not recorded" {
  "$PBRUN" -r train "$PBRUN_HELPERS/map_odd_things" "$WORK"
  settled
  "$PBRUN" --json --show "$PBRUN_HELPERS/map_odd_things" >shown
  json shown '[f["path"] for f in j["files"] if f["extents"]]'
  [ "$(json shown "sorted(f['path'] for f in j['files'] if f['extents'] and f['path'].startswith('$WORK'))")" = \
    "$(/usr/bin/python3 -c "import json; print(json.dumps(sorted(['$WORK/new\nline', '$WORK/real (deleted)'])))")" ]
  [ "$(json shown 'any("memfd" in f["path"] or f["path"].startswith("/dev/") or "SYSV" in f["path"] for f in j["files"])')" = false ]
}

@test "a changed file is skipped, and the run trains" {
  head -c 400000 /dev/urandom >data
  cp /usr/bin/env tool
  "$PBRUN" ./tool -S 'cat data' >/dev/null
  settled
  # On a busy machine it may be known too late for this start; then the next one trains.
  change_is_seen() {
    printf x >>data
    "$PBRUN" -R report ./tool -S 'cat data' >/dev/null
    settled
    [ "$(json report '[j["shadow"], j["record"]["mode"], j["prefetch"]["skipped_files"] >= 1]')" = \
      '["stale", "train", true]' ]
  }
  eventually change_is_seen
  "$PBRUN" -R report ./tool -S 'cat data' >/dev/null
  [ "$(json report 'j["shadow"]')" = fresh ]
}

@test "the same program upgraded trains" {
  cp /bin/true tool
  "$PBRUN" ./tool
  settled
  cp /bin/false tool
  upgrade_is_seen() {
    printf x >>tool
    run "$PBRUN" -R report ./tool
    [ "$status" -eq 1 ] && settled && [ "$(json report 'j["record"]["mode"]')" = train ]
  }
  eventually upgrade_is_seen
}

@test "known programs are sampled, and in the end left alone" {
  modes=
  for i in $(seq 40); do
    "$PBRUN" -R report true
    settled
    modes+=" $(json report 'j["record"]["mode"]')"
  done
  echo "$modes"
  [[ $modes == " train sample"* ]]
  [[ $modes == *none* ]]
  [ "$(grep -o train <<<"$modes" | wc -l)" -eq 1 ]
}

@test "a program that goes on in its children is recorded after it returned" {
  cp /bin/true late
  # shellcheck disable=SC2016
  "$PBRUN" -r train -w 60 sh -c '(sleep 0.3; ./late) >/dev/null 2>&1 </dev/null &'
  late_is_recorded() {
    [ "$(recorded sh "f['path'] == '$WORK/late' and f['kind'] == 'mapped'")" -eq 1 ]
  }
  eventually late_is_recorded
  [ "$("$PBRUN" --json --show sh | json - 'j["runs"]')" = 1 ]
}

@test "the system's recordings are read, not written" {
  ((EUID == 0)) || skip "needs root"
  export PBRUN WORK
  cp "$PBRUN" pbrun
  # shellcheck disable=SC2016
  unshare -m bash -euc '
    mount -t tmpfs none /var/cache
    mkdir /var/cache/pbrun
    "$PBRUN" -d /var/cache/pbrun true
    "$PBRUN" -d /var/cache/pbrun --list
    setpriv --reuid=65534 --regid=65534 --clear-groups ./pbrun -d "$WORK/mine" -R "$WORK/report" true
    [ "$(find /var/cache/pbrun -name "*.shadow" | wc -l)" -eq 1 ]'
  [ "$(json report 'j["shadow"]')" = fresh ]
  [ "$(json report 'j["record"]["mode"]')" = sample ]
  settled
  [ "$(find mine -name '*.shadow' | wc -l)" -eq 1 ]
}
