#!/usr/bin/env bats
# packages: bubblewrap busybox-static gcc gcc-multilib gdb libc6-dev libcap2-bin make python3 strace util-linux
# Programs that raise privileges, trace, hide or lock themselves in behave as without pbrun.

load common

setup() {
  make_work
  cp "$PBRUN" "$WORK/pbrun" # the build directory may be closed to an ordinary user
  cp "$PBRUN_HELPERS/polite" "$WORK/polite"
  cd "$WORK" || return
}

# The observers of programs that were detached from may still write.
forget() {
  settled && rm -rf "$WORK/shadows"
}

# As an ordinary user whose programs may still raise privileges.
as_ordinary_user() {
  if ((EUID == 0)); then
    setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$@"
  else
    "$@"
  fi
}

# Output and status, with N for process ids and addresses.
numbered() { # COMMAND...
  local status=0
  "$@" >output 2>&1 || status=$?
  sed -E 's/0x[0-9a-f]+|\b[0-9]{3,}\b/N/g; s/\[pid +/[pid /' output # strace pads its process ids
  echo "status $status"
}

# The same output and status without pbrun, trained, and once more as remembered. USER is a command to put in
# front of all: env or as_ordinary_user.
same() { # USER COMMAND...
  local user=$1 mode expected actual
  shift
  expected=$(numbered "$user" "$@")
  echo "expected: $expected"
  forget
  for mode in train auto train sample; do
    actual=$(numbered "$user" ./pbrun --record="$mode" "$@")
    echo "$mode: $actual"
    [ "$actual" = "$expected" ]
  done
}

needs_root() {
  ((EUID == 0)) || skip "needs root"
}

# Every way in which a program can start ./raise.
same_however_started() {
  same as_ordinary_user ./raise identity
  same as_ordinary_user sh -c './raise identity; echo done'
  same as_ordinary_user sh -c "cd /; exec $WORK/raise identity"
  same as_ordinary_user sh -c 'sh -c "./raise identity & wait"'
  same as_ordinary_user ./polite fexecve "$WORK/raise" identity
  same as_ordinary_user ./polite path-at "$WORK/raise" identity
  same as_ordinary_user ./polite undumpable sh -c './raise identity'
  printf '#!%s/raise identity\n' "$WORK" >script && chmod 755 script
  same as_ordinary_user ./script
  same as_ordinary_user sh -c './script'
  same as_ordinary_user ./polite fexecve "$WORK/script"
  printf '#!%s/script\n' "$WORK" >outer && chmod 755 outer
  same as_ordinary_user sh -c './outer'
}

@test "a set-user-ID program gets its user" {
  needs_root
  cp polite raise && chmod 4755 raise
  as_ordinary_user ./raise identity | grep -qx 'euid 0' || skip "no set-user-ID programs in $WORK"
  [ "$(as_ordinary_user ./pbrun -r train sh -c './raise identity' | head -n 1)" = "euid 0" ]
  same_however_started
}

@test "a set-group-ID program gets its group" {
  needs_root
  cp "$(command -v id)" raise && chmod 2755 raise
  same as_ordinary_user ./raise -g
  same as_ordinary_user sh -c './raise -g'
}

@test "a program with file capabilities gets them" {
  needs_root
  cp polite raise
  setcap cap_net_raw,cap_sys_ptrace+ep raise || skip "no file capabilities in $WORK"
  as_ordinary_user ./raise identity | grep -q 'CapEff:.*80*2000$' || skip "no file capabilities in $WORK"
  same_however_started
}

@test "what root traces raises and changes its privileges as without, and is recorded" {
  needs_root
  cp polite raise && chown nobody raise && chmod 4755 raise
  ./raise identity | grep -qx "euid $(id -u nobody)" || skip "no set-user-ID programs in $WORK"
  same env ./raise identity
  same env sh -c './raise identity; echo done'
  same env sh -c "exec $WORK/raise identity"
  # An ordinary user's processes, where a privileged program of root's made them so.
  cp polite raise-again && chmod 4755 raise-again
  same env sh -c 'setpriv --reuid=nobody --clear-groups --inh-caps=-all ./raise-again identity; echo done'
  setcap cap_net_raw+ep polite && same env sh -c 'setpriv --reuid=nobody --clear-groups --inh-caps=-all ./polite identity; echo done'
  # The record serves others as well, who have to step aside.
  forget
  ./pbrun --record=train sh -c './raise identity; true'
  ./pbrun --show --json sh >shown
  [ "$(json shown 'j["do_not_trace"]')" = true ]
  (($((16#$(sed -n 's/^CapEff:\t//p' /proc/self/status) >> 19 & 1)))) || skip "no CAP_SYS_PTRACE"
  [ "$(json shown 'sum(e[1] for f in j["files"] if f["path"] == "'"$WORK"'/raise" for e in f["extents"]) > 0')" = true ]
}

@test "sudo-like: a set-user-ID shell's whole session" {
  needs_root
  cp polite raise && chmod 4755 raise
  same as_ordinary_user sh -c 'for i in 1 2 3; do ./raise identity; ./polite work; done; (./raise identity); true'
}

@test "what is executed after many calls that have nothing to do with files gets its privilege, too" {
  needs_root
  cp polite raise && chmod 4755 raise
  same as_ordinary_user /usr/bin/python3 -c '
import os
end, own_end = os.pipe()
if os.fork() == 0: # company, until the other executes
    os.close(own_end)
    os.set_blocking(end, False)
    while True:
        for i in range(1000): os.getppid()
        try: os._exit(os.read(end, 1) != b"")
        except BlockingIOError: pass
for i in range(30000): os.getppid()
os.execv("./raise", ["raise", "identity"])'
}

@test "what a 32-bit program starts gets its privilege, too" {
  needs_root
  build_32_bit
  cp polite raise && chmod 4755 raise
  same as_ordinary_user ./foreign "$WORK/raise" identity
}

build_32_bit() {
  [ "$(uname -m)" = x86_64 ] || skip "no 32-bit programs here"
  cat >foreign.c <<'END'
#include <stdio.h>
#include <unistd.h>
int main(int argc, char *argv[])
{
	if (argc > 1)
		execv(argv[1], argv + 1);
	return printf("%d bits\n", (int)sizeof(long) * 8) < 0;
}
END
  gcc -m32 -o foreign foreign.c || skip "no 32-bit C library"
  ./foreign || skip "no 32-bit programs here"
}

@test "a 32-bit program runs and is recorded" {
  build_32_bit
  same as_ordinary_user ./foreign
  forget
  ./pbrun -r train ./foreign
  ./pbrun --json --show ./foreign >shown
  [ "$(json shown "[f['exact'] for f in j['files'] if f['path'] == '$WORK/foreign']")" = '[false]' ]
  [ "$(json shown "sum(1 for f in j['files'] if f['extents'] and f['path'].endswith('/libc.so.6'))")" = 1 ]
}

@test "gdb runs a program" {
  same as_ordinary_user gdb -nx -batch -ex 'break main' -ex run -ex backtrace -ex continue --args ./polite work
  same as_ordinary_user gdb -nx -batch -ex run --args ./polite work
}

@test "gdb attaches to a process of the same tree" {
  # shellcheck disable=SC2016
  same as_ordinary_user sh -c '
    sleep 100 & gdb -nx -batch -p $! 2>&1 | grep -c "Inferior 1 .process .*detached"; kill $!; wait'
}

@test "strace runs and attaches" {
  same as_ordinary_user strace -f -e trace=none true
  same as_ordinary_user strace -f -e trace=none -e signal=none sh -c 'true; true & wait; exit 3'
  # shellcheck disable=SC2016
  same as_ordinary_user sh -c '
    sleep 100 & sleeper=$!
    strace -o trace -p $sleeper & tracer=$!
    until grep -q "TracerPid:.$tracer\$" /proc/$sleeper/status || ! kill -0 $tracer; do sleep 0.05; done
    grep -c "TracerPid:.$tracer\$" /proc/$sleeper/status
    kill $sleeper; wait $tracer; echo $?'
}

@test "programs that trace" {
  same as_ordinary_user ./polite traceme
  same as_ordinary_user ./polite seize
  same as_ordinary_user sh -c './polite traceme; ./polite seize; ./polite seize >other & ./polite traceme; wait; cat other'
}

# In each mode, whether anything is known of it or not.
checked() { # COMMAND...
  local mode
  forget
  for mode in train auto sample; do
    echo "$mode"
    ./pbrun -v --record="$mode" "$@"
  done
  forget
  echo "sample at first"
  ./pbrun --record=sample "$@"
}

@test "programs with a leak check" {
  echo 'int main(void) { return 0; }' >a.c
  for option in address leak 'address -static-libasan'; do
    # shellcheck disable=SC2086 # one or two options
    gcc -fsanitize=$option -o sanitized a.c
    ./sanitized || skip "no leak check here"
    checked ./sanitized
    checked sh -c 'exec ./sanitized'
    printf 'check:\n\t./sanitized\n' >Makefile
    checked make
  done
}

@test "a program that is traced by its own unseen child" {
  forget
  for mode in train auto sample; do
    run ./pbrun -v --record="$mode" ./polite untraced
    echo "$mode: $output"
    [ "$status" -eq 0 ]
    [[ $output = *"traced: 0"* ]]
  done
}

@test "a program that allows a grandchild to trace it stays followed, as the grandchild is" {
  forget
  ./pbrun --record=train ./polite grandchild
  settled
  [ "$(./pbrun --json --show ./polite | json - 'j["do_not_trace"]')" = false ]
}

@test "crash handlers that have their process traced" {
  for how in crash abort; do
    checked ./polite "$how"
  done
}

@test "a handler that repairs does not end the sample" {
  forget
  ./pbrun --record=sample -R report ./polite repair
  [ "$(json report 'j["record"]["pages"] > 0 and j["launch"]["exit_status"] == 0')" = true ]
  ./pbrun --show --json ./polite >shown
  [ "$(json shown 'j.get("do_not_trace", False)')" = false ]
}

@test "programs under a seccomp filter" {
  same as_ordinary_user ./polite filter work
  same as_ordinary_user ./polite filter ./polite work
  same as_ordinary_user ./polite filter sh -c './polite work; (./polite work) & wait'
}

@test "a program that hides its /proc" {
  same as_ordinary_user ./polite undumpable work
  same as_ordinary_user ./polite undumpable sh -c './polite undumpable work'
}

@test "bubblewrap, unshare, chroot" {
  same env bwrap --ro-bind / / true
  same env bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev sh -c 'echo $$; ls / | head -n 3; exit 7'
  if unshare --user true; then
    same env unshare --user --map-root-user --mount sh -c 'id -u; mount -t tmpfs none /mnt && ls /mnt'
    same env unshare --user --map-root-user --pid --fork --mount-proc sh -c 'echo $$; exit 3'
  fi
  needs_root
  same env chroot / sh -c 'cd /; echo *; exit 4'
  mkdir -p root/bin && cp /bin/busybox root/bin/sh 2>/dev/null || skip "no static busybox"
  same env chroot root sh -c 'echo /*; exit 4'
}

@test "the CPUs of a program and its children are its own" {
  # shellcheck disable=SC2016
  same as_ordinary_user sh -c 'for i in $(seq 200); do (test -e x; grep Cpus_allowed_list /proc/self/status); done; nproc'
  [ "$(nproc)" -lt 2 ] || same as_ordinary_user taskset -c 1 sh -c 'grep Cpus_allowed_list /proc/self/status; nproc'
}

@test "AppImage-like: a set-user-ID helper mounts for a program that goes on" {
  needs_root
  printf '#!/bin/sh\n./raise identity | grep -x "euid 0" || exit 1\nexec ./polite work\n' >image
  cp polite raise && chmod 4755 raise && chmod 755 image
  same as_ordinary_user ./image
}

@test "nobody is traced after the window, nor ever without new privileges" {
  # shellcheck disable=SC2016
  ./pbrun -r train -w 0.3 sh -c 'grep NoNewPrivs /proc/self/status
    for i in $(seq 200); do grep -q "TracerPid:.0" /proc/$$/status && break; sleep 0.1; done; grep TracerPid /proc/$$/status
    grep -h TracerPid /proc/self/status' >seen
  diff seen - <<END
NoNewPrivs:	0
TracerPid:	0
TracerPid:	0
END
}
