#!/usr/bin/env bats
# packages: e2fsprogs python3
# What is used densely of programs and libraries comes into memory as huge folios, which then serve everybody.

load common

setup() {
  ((EUID == 0)) || skip "needs root"
  make_work
  mkdir point
  truncate -s 64M image
  mkfs.ext4 -q image
  mount -o loop image point || skip "no ext4 on a loop device"
  # Any ELF file with a build-id and two whole windows; it is only mapped.
  cp "$(readlink -f /usr/bin/python3)" point/library
  (($(stat -c %s point/library) >= 4 << 20)) || skip "python3 is too small here"
  cat >use.py <<'EOF'
import mmap, os, sys
with open("point/library", "rb") as file:
    library = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
    if "ADVICE" in os.environ:
        library.madvise(mmap.MADV_HUGEPAGE)
    for page in os.environ["PAGES"].split():
        library[int(page) * 4096]
    if "HUGE" in os.environ:
        lines = [line.split() for line in open("/proc/self/smaps")]
        print(sum(int(line[1]) for line in lines if line[0] == "FilePmdMapped:"))
EOF
}

teardown() {
  cd / || return
  [ -z "${WORK:-}" ] || ! mountpoint -q "$WORK/point" || unmount "$WORK/point"
  remove_work
}

# A loop device may claim to rotate: there no window is read as a whole.
evict() {
  settled
  unmount point
  mount -o loop image point
  echo 0 >"/sys/dev/block/$(mountpoint -d point)/queue/rotational"
}

use() { # PAGES COMMAND-BEFORE...
  PAGES=$1 "${@:2}" /usr/bin/python3 -S -c "$(cat use.py)"
}

# How much of the second window a touch of one byte maps by a huge page.
huge_kib() {
  PAGES=600 HUGE=1 /usr/bin/python3 -S use.py
}

needs_huge_folios() {
  evict
  PAGES=600 ADVICE=1 /usr/bin/python3 -S use.py
  (($(huge_kib) > 0)) || skip "this kernel has no huge folios on ext4"
  ! grep -q '\[never\]' /sys/kernel/mm/transparent_hugepage/enabled || skip "huge pages are switched off"
  evict
}

# First page, end, and number of what is remembered; by times of use that may be several extents.
pages() {
  settled
  "$PBRUN" --show --json /usr/bin/python3 >shown
  json shown '[(e[0][0], e[-1][0] + e[-1][1], sum(n for _, n in e))
    for f in j["files"] if f["path"].endswith("/library") for e in [f["extents"]]][0]'
}

@test "a window that is used densely is one huge folio after a start, for programs without pbrun, too" {
  needs_huge_folios
  use "$(seq -s ' ' 512 912)" "$PBRUN" -r train
  evict
  [ "$(huge_kib)" = 0 ]
  # Where memory is in pieces, or the program asks first, it takes another start.
  start_makes_it_huge() {
    evict
    use 600 "$PBRUN" -r none --report report
    [ "$(json report 'j["prefetch"]["bytes"] >= 2 << 20')" = true ] && [ "$(huge_kib)" = 2048 ]
  }
  eventually start_makes_it_huge
}

@test "a window that is used sparsely is not" {
  needs_huge_folios
  use "$(seq -s ' ' 512 712)" "$PBRUN" -r train
  evict
  use 600 "$PBRUN" -r none
  [ "$(huge_kib)" = 0 ]
}

@test "a sampled start learns nothing of a huge folio, and a training to the page" {
  needs_huge_folios
  use "$(seq -s ' ' 512 912)" "$PBRUN" -r train
  sampled_start_makes_it_huge() {
    evict
    use 600 "$PBRUN" -r sample
    [ "$(huge_kib)" = 2048 ]
  }
  eventually sampled_start_makes_it_huge
  settled
  [ "$(pages)" = "[512, 913, 401]" ]
  "$PBRUN" --forget /usr/bin/python3
  use "600 700" "$PBRUN" -n -r train
  [ "$(pages)" = "[600, 701, 2]" ]
}
