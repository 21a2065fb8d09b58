#!/usr/bin/env bats
# packages: python3 util-linux strace
# What the arguments of a start name is no part of the program.

load common

setup() {
  make_work
  # On a disk: in memory nothing can be evicted.
  DISK=$(mktemp -d /var/tmp/pbrun-test.XXXXXX)
  cd "$DISK" || return
}

teardown() {
  remove_work
  eventually rm -rf "$DISK" 2>/dev/null
}

make_files() { # SIZE FILE...
  local size=$1
  shift
  for file in "$@"; do
    head -c "$size" /dev/urandom >"$file"
  done
}

has_pages() { # FILE NUMBER: at least so many are in memory
  (($(resident_pages "$1") >= $2))
}

# Does not open what it is given before FILE has so many pages in memory: they are pbrun's doing. Not a megabyte of
# them: what is longer and read from its beginning on is the kernel's, once the program has probably come to it.
wait_first() { # FILE NUMBER PBRUN-ARGUMENT...
  local file=$1 number=$2
  shift 2
  { eventually has_pages "$file" "$number" || touch "$WORK/late"; } | "$PBRUN" "$@"
  [ ! -e "$WORK/late" ]
}

operands_of() { # PROGRAM
  settled
  "$PBRUN" --json --show "$@" | json - '" ".join(f["path"].rsplit("/", 1)[1] for f in j["files"] if f["operand"] and f["extents"])'
}

@test "what an earlier start was given is not read for another" {
  make_files 4000000 a b
  "$PBRUN" cat a >/dev/null
  [ "$(operands_of cat)" = a ]
  evict a
  "$PBRUN" -R "$WORK/report" cat /dev/null
  [ "$(json "$WORK/report" 'j["prefetch"]["operand_files"]')" = 0 ]
  [ "$(resident_pages a)" -eq 0 ]
  evict b
  "$PBRUN" -R "$WORK/report" cat b >/dev/null
  [ "$(json "$WORK/report" 'j["shadow"]')" = fresh ]
  [ "$(json "$WORK/report" 'j["record"]["mode"] != "train"')" = true ]
  [ "$(resident_pages a)" -eq 0 ]
}

@test "another file is prefetched as the program used the one before" {
  make_files 1000000 a b c
  "$PBRUN" cat a >/dev/null
  settled
  evict b
  wait_first b 245 -R "$WORK/report" cat - b >/dev/null
  # By any name.
  ln -s "$DISK/c" link
  evict c
  wait_first c 245 cat - ../"${DISK##*/}"/link >/dev/null
  # And as standard input.
  mkfifo go
  evict b
  eventually has_pages b 245 >go &
  "$PBRUN" cat go - <b >/dev/null
  wait "$!"
}

@test "of a file that is read at its head, only the head" {
  make_files 4000000 a b
  "$PBRUN" head -c 10000 a >/dev/null
  evict b
  "$PBRUN" -r none -R "$WORK/report" head -c 10000 b >/dev/null
  # The kernel reads ahead by itself, but not so far.
  [ "$(json "$WORK/report" 'j["prefetch"]["operand_bytes"] <= 16384')" = true ]
  [ "$(resident_pages b)" -lt 900 ]
}

@test "a script is its profile's, a file that it is given is not" {
  make_files 1000000 a b
  cat >tool.py <<'END'
import sys
print(sys.stdin.read() if len(sys.argv) > 2 else "", len(open(sys.argv[1], "rb").read()))
END
  "$PBRUN" /usr/bin/python3 tool.py a
  [ "$(operands_of /usr/bin/python3 tool.py)" = a ]
  evict a
  evict b
  wait_first b 245 /usr/bin/python3 tool.py b wait
  [ "$(resident_pages a)" -eq 0 ]
}

@test "options and URLs name files, too" {
  make_files 100000 a b c d
  cat >tool.py <<'END'
for name in "abcd": open(name, "rb").read()
END
  "$PBRUN" /usr/bin/python3 tool.py --in="a" -xb if=c "file://$DISK/d"
  [ "$(operands_of /usr/bin/python3 tool.py)" = "a b c d" ]
}

@test "what is used without being named is the program's" {
  make_files 100000 a b
  echo 'open("a", "rb").read()' >tool.py
  "$PBRUN" /usr/bin/python3 tool.py a
  [ "$(operands_of /usr/bin/python3 tool.py)" = a ]
  "$PBRUN" -r train /usr/bin/python3 tool.py
  [ -z "$(operands_of /usr/bin/python3 tool.py)" ]
  # For good.
  "$PBRUN" -r train /usr/bin/python3 tool.py a
  [ -z "$(operands_of /usr/bin/python3 tool.py)" ]
}

@test "a directory names what lies below, and another one trains once more" {
  mkdir one two lib
  make_files 100000 one/a two/b
  echo >lib/helper.py
  cat >tool.py <<'END'
import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "lib")
import helper
for name in os.listdir(sys.argv[1]): open(os.path.join(sys.argv[1], name), "rb").read()
END
  "$PBRUN" /usr/bin/python3 tool.py one lib
  [ "$(operands_of /usr/bin/python3 tool.py)" = "helper.py a" ]
  "$PBRUN" -R "$WORK/report" /usr/bin/python3 tool.py two
  [ "$(json "$WORK/report" 'j["record"]["mode"]')" = train ]
  [ "$(operands_of /usr/bin/python3 tool.py)" = "a b" ]
  mkdir three
  "$PBRUN" -R "$WORK/report" /usr/bin/python3 tool.py three
  [ "$(json "$WORK/report" 'j["record"]["mode"]')" = sample ]
}

@test "a changed operand does not make the record stale" {
  make_files 500000 a
  "$PBRUN" cat a >/dev/null
  make_files 1000000 a
  evict a
  wait_first a 245 -R "$WORK/report" cat - a >/dev/null
  [ "$(json "$WORK/report" 'j["shadow"]')" = fresh ]
  [ "$(json "$WORK/report" 'j["record"]["mode"]')" = sample ]
  "$PBRUN" --list --json >"$WORK/list"
  [ "$(json "$WORK/list" 'j["shadows"][0]["state"]')" = fresh ]
}

@test "a dry run looks at what it is given" {
  make_files 4000000 a b
  "$PBRUN" cat a >/dev/null
  evict a
  evict b
  "$PBRUN" --dry-run --json cat >"$WORK/none"
  "$PBRUN" --dry-run --json cat b >"$WORK/one"
  [ "$(json "$WORK/none" 'j["prefetch"]["bytes"]')" -lt 4000000 ]
  [ "$(json "$WORK/one" 'j["prefetch"]["bytes"]')" -ge 4000000 ]
  [ "$(resident_pages b)" -eq 0 ]
}

@test "a warm start with operands forks nothing" {
  make_files 100000 a b c
  "$PBRUN" cat a >/dev/null
  cat a b c >/dev/null
  forks_nothing() {
    strace -f -qq -e trace=clone,clone3,fork,vfork -o "$WORK/log" "$PBRUN" -r none cat b c >/dev/null
    ! forks_in "$WORK/log"
  }
  eventually forks_nothing
  # A cold one does what it can.
  evict b
  strace -f -qq -e trace=clone,clone3,fork,vfork -o "$WORK/log" "$PBRUN" -r none cat b c >/dev/null
  forks_in "$WORK/log"
}

@test "a thousand operands, FIFOs and devices among them" {
  mkdir many
  for i in $(seq 1000); do
    echo "$i" >"many/$i"
  done
  mkfifo many/fifo
  "$PBRUN" -R "$WORK/report" echo many/* /dev/tty /proc/self/mem "$(printf '%05000d' 0)" '' >/dev/null
  [ "$(json "$WORK/report" 'j["launch"]["exit_status"]')" = 0 ]
  rm many/fifo
  "$PBRUN" -r train cat many/* >/dev/null
  settled
  [ "$("$PBRUN" --json --show cat | json - 'sum(1 for f in j["files"] if f["operand"] and f["extents"])')" -eq 1000 ]
  evict many/500
  "$PBRUN" -r none -R "$WORK/report" cat many/500 /dev/null >/dev/null
  [ "$(resident_pages many/500)" -eq 1 ]
}

@test "excluded operands are left alone" {
  make_files 4000000 a b
  "$PBRUN" cat a >/dev/null
  evict b
  "$PBRUN" -x "$DISK/b" -R "$WORK/report" cat b >/dev/null
  [ "$(json "$WORK/report" 'j["prefetch"]["operand_files"]')" = 0 ]
}

@test "operands do not travel" {
  make_files 100000 a
  cp /bin/cat program
  "$PBRUN" ./program a >/dev/null
  settled
  "$PBRUN" --export ./program record
  [ -s record ]
  run grep -a "$DISK/a" record
  [ "$status" -eq 1 ]
  "$PBRUN" --export --format ranges ./program ranges
  run grep "$DISK/a" ranges
  [ "$status" -eq 1 ]
}
