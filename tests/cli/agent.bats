#!/usr/bin/env bats
# packages: python3 gcc libc6-dev
# Where ptrace(2) is refused, an agent in the program tells what it uses, and nobody sees it.

# shellcheck disable=SC2016,SC2153 # what is for other shells; PBRUN comes from outside

bats_require_minimum_version 1.5.0
load common

setup() {
  make_work
  deny=$PBRUN_HELPERS/deny
  "$deny" prctl=0 true 2>/dev/null || skip "no seccomp filters"
  # A pbrun beside which there is an agent that may be trusted.
  mkdir -m 755 bin home
  export XDG_CONFIG_HOME=$WORK/home
  cp "$PBRUN" bin/pbrun
  cp "$(dirname "$PBRUN")/libpbrun-agent.so" bin/
  chmod 755 bin/libpbrun-agent.so
  pbrun=$WORK/bin/pbrun
  echo x >./read
}

# The report of a start says who has recorded.
recorded_by() { # WHO
  eventually [ -s report ]
  [ "$(json report 'j["record"]["recorded_by"]')" = "$1" ]
}

shadow_has() { # EXPRESSION PROGRAM...
  "$pbrun" --show "${@:2}" --json 2>/dev/null >shown && [ "$(json shown "$1")" = true ]
}

@test "however a program ends, what it opened and mapped is recorded, and it sees nothing of that" {
  for way in return exit _exit _Exit quick_exit signal execv execve execvp execvpe; do
    settled && rm -rf report shadows
    without=0 with=0
    "$deny" ptrace "$PBRUN_HELPERS/leave" $way >expected || without=$?
    "$deny" ptrace "$pbrun" -R report "$PBRUN_HELPERS/leave" $way >actual || with=$?
    echo "$way: $without $with"
    [ "$with" -eq "$without" ]
    diff expected actual
    recorded_by agent
    eventually shadow_has 'any(f["path"].endswith("/read") and f["extents"] for f in j["files"])' "$PBRUN_HELPERS/leave"
    # quick_exit(3) is the one that nobody is told of.
    [ $way = quick_exit ] || shadow_has 'any("libc.so" in f["path"] and f["extents"] for f in j["files"])' "$PBRUN_HELPERS/leave"
  done
}

@test "what a program inherits is what it inherits without" {
  same() {
    "$@" "$deny" ptrace "$PBRUN_HELPERS/show_state" one 2>/dev/null | cat >expected
    "$@" "$deny" ptrace "$pbrun" -R report "$PBRUN_HELPERS/show_state" one 2>/dev/null | cat >actual
    [ -s expected ]
    diff <(sed 's/^fd 1 [^ ]*/fd 1/' <expected) <(sed 's/^fd 1 [^ ]*/fd 1/' <actual)
    recorded_by agent
    rm report
  }
  same env
  # A pbrun with gcc's address sanitizer starts with nothing else before that.
  if env LD_PRELOAD=/lib/x86_64-linux-gnu/libm.so.6 "$pbrun" --help >/dev/null 2>&1; then
    same env LD_PRELOAD=/lib/x86_64-linux-gnu/libm.so.6
  fi
  same env LD_PRELOAD= LD_LIBRARY_PATH=/nowhere
  same env PBRUN_AGENT=5
  same env -i "PBRUN_DIR=$PBRUN_DIR" "XDG_CONFIG_HOME=$XDG_CONFIG_HOME"
}

@test "children have the environment that they have without, and are not loaded with anything" {
  command='env | sort | grep -v "^_="; cat /proc/self/maps | grep -c agent; ls /proc/self/fd | wc -l'
  "$deny" ptrace sh -c "$command" >expected || true
  "$deny" ptrace "$pbrun" -R report sh -c "$command" >actual || true
  diff expected actual
  recorded_by agent
}

@test "the environment in /proc is the same but for zeros at its end" {
  "$deny" ptrace cat /proc/self/environ | tr -d '\0' >expected
  "$deny" ptrace "$pbrun" -R report cat /proc/self/environ | tr -d '\0' >actual
  cmp expected actual
  recorded_by agent
}

@test "who looks for the auxiliary vector behind the environment finds it" {
  cat >find.c <<'END'
#include <elf.h>
#include <stdio.h>
#include <sys/auxv.h>
int main(int argc, char **argv, char **envp)
{
	while (*envp++)
		;
	for (Elf64_auxv_t *at = (void *)envp; at->a_type != AT_NULL; at++)
		if (at->a_type == AT_PAGESZ)
			return at->a_un.a_val != getauxval(AT_PAGESZ);
	return 1;
}
END
  gcc -o find find.c
  "$deny" ptrace "$pbrun" -R report ./find
  recorded_by agent
}

@test "the modules that python3 reads are recorded" {
  "$deny" ptrace "$pbrun" /usr/bin/python3 -c 'import json, argparse'
  eventually shadow_has 'sum(f["path"].endswith(".pyc") and f["extents"] != [] for f in j["files"]) > 5' /usr/bin/python3
}

@test "a program that confines itself is left alone" {
  run "$deny" ptrace "$pbrun" "$PBRUN_HELPERS/confine"
  echo "$status $output"
  [ "$status" -eq 3 ]
  [ "$output" = confined ]
}

@test "static programs, other loaders and sanitizers do without" {
  echo 'int main(void) { return 4; }' >main.c
  gcc -static -o static main.c
  gcc -fsanitize=address -o sanitized main.c || cp static sanitized
  # A loader of another name.
  ln -s /lib64/ld-linux-x86-64.so.2 loader
  gcc -Wl,--dynamic-linker="$WORK/loader" -o loaded main.c
  for program in static sanitized loaded; do
    # A leak check needs ptrace(2) itself.
    ASAN_OPTIONS=detect_leaks=0 run "$deny" ptrace "$pbrun" -R report ./$program
    echo "$program: $status $output"
    [ "$status" -eq 4 ]
    [ -z "$output" ]
    recorded_by looking
    rm report
  done
}

@test "it can be turned off, and what is not to be trusted is not loaded" {
  mkdir -p home/pbrun
  echo "agent = no" >home/pbrun/config
  "$deny" ptrace "$pbrun" -R report "$PBRUN_HELPERS/leave" >/dev/null || true
  recorded_by looking
  rm report
  echo "agent = yes" >home/pbrun/config
  "$deny" ptrace "$pbrun" -R report "$PBRUN_HELPERS/leave" >/dev/null || true
  recorded_by agent
  for faulty in 'chmod 757 bin' 'chmod 646 bin/libpbrun-agent.so' 'ln bin/libpbrun-agent.so other' 'rm bin/libpbrun-agent.so'; do
    rm -f report other
    chmod 755 bin bin/libpbrun-agent.so
    $faulty
    "$deny" ptrace "$pbrun" -R report "$PBRUN_HELPERS/leave" >actual || true
    [ "$(cat actual)" = "$("$PBRUN_HELPERS/leave")" ]
    recorded_by looking
  done
}

@test "who looks into the dynamic loader does not find it, and whose room is limited has all of it" {
  LD_DEBUG=libs "$deny" ptrace "$pbrun" true 2>actual
  run ! grep -q libpbrun-agent actual
  limited=(prlimit "--as=$((1 << 32))")
  "${limited[@]}" "$pbrun" --version || limited=(env LD_DEBUG=) # a sanitizer's pbrun needs more
  for unwelcome in "env LD_AUDIT=" "env LD_DEBUG=" "env LD_PROFILE=" "${limited[*]}"; do
    $unwelcome "$deny" ptrace "$pbrun" -R report "$PBRUN_HELPERS/leave" >/dev/null || true
    echo "$unwelcome"
    recorded_by looking
    rm report
  done
}

@test "where its path has characters that LD_PRELOAD takes for others, it is not loaded" {
  for directory in 'a b' 'a:b' 'a$b'; do
    mkdir -m 755 "$directory"
    cp -p bin/* "$directory"
    "$deny" ptrace "$directory/pbrun" -R report "$PBRUN_HELPERS/leave" >actual || true
    [ "$(cat actual)" = "$("$PBRUN_HELPERS/leave")" ]
    echo "$directory"
    recorded_by looking
    rm report
  done
}

@test "many processes at once" {
  "$deny" ptrace "$pbrun" -R report /usr/bin/python3 -c '
import os
for i in range(40):
    if os.fork() == 0:
        open("/etc/passwd").read()
        os._exit(0)
for i in range(40):
    os.wait()
'
  recorded_by agent
  eventually shadow_has 'any(f["path"] == "/etc/passwd" for f in j["files"])' /usr/bin/python3
}
