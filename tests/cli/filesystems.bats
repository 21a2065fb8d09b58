#!/usr/bin/env bats
# packages: e2fsprogs python3 squashfs-tools strace util-linux
# On file systems that do not know RWF_NOWAIT, what is in memory counts as that all the same.

load common

setup() {
  ((EUID == 0)) || skip "needs root"
  make_work
  mkdir "$WORK/tree" "$WORK/point"
  cp "$(command -v cat)" "$WORK/tree/reader"
  head -c 1000000 /dev/urandom >"$WORK/tree/data"
  chmod 755 "$WORK/tree" "$WORK/point"
}

teardown() {
  [ -z "${WORK:-}" ] || ! mountpoint -q "$WORK/point" || unmount "$WORK/point"
  remove_work
}

# Where the directory itself is memory, there is nothing to be found out.
needs_disk() {
  [ "$(stat -f -c %T "$WORK")" != tmpfs ] || skip "a tmpfs: nothing can be evicted"
}

mount_overlay() {
  needs_disk
  mkdir "$WORK/upper" "$WORK/work"
  mount -t overlay -o "lowerdir=$WORK/tree,upperdir=$WORK/upper,workdir=$WORK/work" overlay "$WORK/point" ||
    skip "no overlayfs"
}

mount_squashfs() {
  needs_disk
  mksquashfs "$WORK/tree" "$WORK/image" -quiet -no-progress >/dev/null
  mount -o loop "$WORK/image" "$WORK/point" || skip "no squashfs"
}

as_user() {
  setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

use() { # COMMAND-BEFORE...
  "$@" "$PBRUN" "${OPTIONS[@]}" "$WORK/point/reader" "$WORK/point/data" >"$WORK/out"
  cmp "$WORK/out" "$WORK/tree/data"
}

all_is_resident() {
  [ "$(json "$WORK/report" 'j["prefetch"]["bytes"]')" = 0 ] &&
    [ "$(json "$WORK/report" 'j["prefetch"]["resident_bytes"] >= 1000000')" = true ]
}

# Other processes on this machine may have evicted something: what is said of warm and of cold starts is tried again.

warm_start_is_accounted() {
  use "$@" && all_is_resident
}

warm_start_forks_nothing() { # COMMAND-BEFORE...
  use "$@" strace -f -qq -e trace=clone,clone3,fork,vfork,execve -o "$WORK/log"
  cat "$WORK/log"
  [ "$(grep -c execve "$WORK/log")" = 2 ] && ! forks_in "$WORK/log"
}

# A start does without a record where a busy disk keeps it waiting.
is_trained() {
  use "$@" && settled && [ -n "$(find "$PBRUN_DIR" -name "*.shadow")" ]
}

check_warm_starts() {
  OPTIONS=(-r train)
  eventually is_trained env
  OPTIONS=(-r none -R "$WORK/report")
  eventually warm_start_is_accounted env
  OPTIONS=(-r none)
  eventually warm_start_forks_nothing env
}

cold_start_is_prefetched() {
  unmount "$WORK/point"
  "$1"
  dd if="$WORK/tree/data" iflag=nocache count=0 status=none
  [ ! -e "$WORK/image" ] || dd if="$WORK/image" iflag=nocache count=0 status=none
  use env && [ "$(json "$WORK/report" 'j["prefetch"]["bytes"] >= 500000')" = true ]
}

remount_overlay() {
  mount -t overlay -o "lowerdir=$WORK/tree,upperdir=$WORK/upper,workdir=$WORK/work" overlay "$WORK/point"
}

remount_squashfs() {
  mount -o loop "$WORK/image" "$WORK/point"
}

@test "overlayfs: nothing is asked for when all is there, and no process is forked" {
  mount_overlay
  check_warm_starts
  OPTIONS=(-r none -R "$WORK/report")
  eventually cold_start_is_prefetched remount_overlay
}

@test "squashfs: nothing is asked for when all is there, and no process is forked" {
  mount_squashfs
  check_warm_starts
  OPTIONS=(-r none -R "$WORK/report")
  eventually cold_start_is_prefetched remount_squashfs
}

has_system_directory() { # COMMAND...: with an empty directory of the system's shadows, of which nothing is known
  settled && rm -rf "$WORK/system"
  mkdir "$WORK/system"
  # shellcheck disable=SC2016 # its own parameters
  unshare -m sh -c 'mkdir -p /var/cache/pbrun && mount --bind "$0" /var/cache/pbrun && "$@"' "$WORK/system" "$@"
}

second_start_forks_nothing() {
  # shellcheck disable=SC2016 # the same
  has_system_directory sh -c '"$@" >/dev/null && shift && exec strace -f -qq -e trace=clone,clone3,fork,vfork -o "$0" "$@"' \
    "$WORK/log" env "$PBRUN" -r none "$WORK/tree/reader" "$WORK/tree/data" >/dev/null
  cat "$WORK/log"
  ! forks_in "$WORK/log"
}

@test "a start is told by the one before that a directory has no shadow" {
  needs_disk
  "$PBRUN" -r train "$WORK/tree/reader" "$WORK/tree/data" >/dev/null
  settled
  eventually second_start_forks_nothing
}

# How much is prefetched for a script whose data alone lies on a disk of that kind.
prefetched_bytes() { # ROTATIONAL
  ! mountpoint -q "$WORK/point" || unmount "$WORK/point"
  dd if="$WORK/image" iflag=nocache count=0 status=none
  mount -o loop "$WORK/image" "$WORK/point"
  echo "$1" >"/sys/dev/block/$(mountpoint -d "$WORK/point")/queue/rotational"
  "$PBRUN" -r "${2:-none}" -R "$WORK/report" "$WORK/script"
  json "$WORK/report" 'j["prefetch"]["bytes"]'
}

is_trained_for_script() {
  prefetched_bytes 1 train && settled && [ -n "$(find "$PBRUN_DIR" -name "*.shadow")" ]
}

# A gap of 19 pages costs less than another request where a head has to move.
gap_is_read_on() { # ROTATIONAL
  (($(prefetched_bytes "$1") >= 21 * 4096))
}

gap_is_left_out_on() { # ROTATIONAL
  (($(prefetched_bytes "$1") < 21 * 4096))
}

@test "each file is prefetched as its own disk wants it" {
  needs_disk
  truncate -s 16M "$WORK/image"
  mkfs.ext4 -q -d "$WORK/tree" "$WORK/image"
  # shellcheck disable=SC2016 # the script's own variable
  printf '#!/bin/sh\nfor at in 0 20; do dd if=%s/data of=/dev/null bs=4096 count=1 skip=$at status=none; done\n' \
    "$WORK/point" >"$WORK/script"
  chmod +x "$WORK/script"
  mount -o loop "$WORK/image" "$WORK/point" || skip "no loop device"
  eventually is_trained_for_script
  eventually gap_is_read_on 1
  eventually gap_is_left_out_on 0
}

@test "squashfs: for another user as well" {
  mount_squashfs
  PBRUN_DIR=$WORK/user-shadows
  install -d -o 65534 -g 65534 -m 700 "$PBRUN_DIR"
  OPTIONS=(-r train)
  eventually is_trained as_user
  touch "$WORK/report"
  chown 65534 "$WORK/report"
  OPTIONS=(-r none -R "$WORK/report")
  eventually warm_start_is_accounted as_user
  touch "$WORK/log"
  chown 65534 "$WORK/log"
  OPTIONS=(-r none)
  eventually warm_start_forks_nothing as_user
}

@test "tmpfs: nothing is done" {
  mount -t tmpfs tmpfs "$WORK/point"
  cp "$WORK/tree/"* "$WORK/point"
  check_warm_starts
}
