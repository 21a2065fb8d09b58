#!/usr/bin/env bats
# packages: bubblewrap python3 squashfs-tools liblzo2-2 liblzma5 liblz4-1 libzstd1
# What a program uses in another mount namespace, or under another root directory, is recorded as it is called outside.

load common

setup() {
  make_work
  ((EUID == 0)) || skip "needs root"
  unshare -m true || skip "no mount namespaces"
  mkdir real
  cp /bin/cat real/program
  seq 20000 >real/data
  export PBRUN_RECORD=train
}

# Pages of PATH in the record of PROGRAM. The profile is what runs in the sandbox.
pages_of() { # PATH PROGRAM [PROFILE]
  settled
  "$PBRUN" --show --json "${@:2:1}" ${3:+--profile "$3"} |
    json - "sum(e[1] for f in j['files'] if f['path'] == '$1' for e in f['extents'])"
}

needs_overlays() {
  mkdir -p o/up o/work o/merged
  unshare -m mount -t overlay overlay -o "lowerdir=$WORK/real,upperdir=$WORK/o/up,workdir=$WORK/o/work" o/merged ||
    skip "no overlays here"
}

# What the program reads lies on $WORK/real and at /usr, wherever these are in the sandbox.
@test "bubblewrap with directories bound at other places" {
  bwrap --ro-bind / / true || skip "bwrap does not work here"
  sandbox=(bwrap --ro-bind /usr /elsewhere --symlink elsewhere /usr --symlink elsewhere/lib /lib
    --symlink elsewhere/lib64 /lib64 --ro-bind "$WORK/real" /there --proc /proc --dev /dev)
  "$PBRUN" -R report "${sandbox[@]}" /there/program /there/data >/dev/null
  [ "$(pages_of "$WORK/real/program" bwrap /there/program)" -gt 0 ]
  [ "$(pages_of "$WORK/real/data" bwrap /there/program)" -gt 20 ]
  [ "$(json report 'j["record"]["unreached_files"]')" = 0 ]
  # Nothing under a name that only the sandbox knows.
  settled
  "$PBRUN" --show --json -- "${sandbox[@]}" /there/program >shown
  [ "$(json shown '[f["path"] for f in j["files"] if f["path"].startswith(("/there", "/elsewhere"))]')" = '[]' ]
  # Also what is only looked up, there or not.
  "$PBRUN" "${sandbox[@]}" /elsewhere/bin/python3 -c 'import os; os.path.exists("/there/none"); os.stat("/there/data")'
  settled
  "$PBRUN" --show --json --profile /elsewhere/bin/python3 bwrap >shown
  [ "$(json shown '[f["access"] for f in j["files"] if f["path"].endswith("real/none")]')" = '[["missing"]]' ]
  # And it is there before the sandbox is.
  "$PBRUN" -R report "${sandbox[@]}" /there/program /there/data >/dev/null
  [ "$(json report 'j["prefetch"]["bytes"] + j["prefetch"]["resident_bytes"] > 100000')" = true ]
  [ "$(json report 'j["shadow"]')" = fresh ]
}

@test "programs in sandboxes are kept apart" {
  bwrap --ro-bind / / true || skip "bwrap does not work here"
  "$PBRUN" bwrap --ro-bind / / --setenv A B real/program real/data >/dev/null
  "$PBRUN" bwrap --ro-bind / / true
  settled
  "$PBRUN" --list --json >shown
  [ "$(json shown 'sorted(s["profile"] for s in j["shadows"])')" = "[\"$WORK/real/program\", \"true\"]" ]
  "$PBRUN" --show --json --profile true bwrap >shown
  [ "$(json shown '[f["path"] for f in j["files"] if f["path"].startswith("'"$WORK"'/real")]')" = '[]' ]
}

@test "a chroot, in this mount namespace and in one of its own" {
  mkdir -p root/lib root/lib64 root/usr root/there
  inside='mount --bind /usr root/usr && mount --bind /lib root/lib && mount --bind /lib64 root/lib64 &&
    mount --bind real root/there'
  # The mounts are only there.
  "$PBRUN" -R report unshare -m sh -c "$inside && exec chroot root /there/program /there/data" >/dev/null
  [ "$(pages_of "$WORK/real/program" unshare sh)" -gt 0 ]
  [ "$(pages_of "$WORK/real/data" unshare sh)" -gt 20 ]
  [ "$(json report 'j["record"]["unreached_files"]')" = 0 ]
  # pbrun sees them, too.
  unshare -m sh -c "$inside"' && exec "$@"' sh "$PBRUN" -R report chroot root /there/program /there/data >/dev/null
  settled
  unshare -m sh -c "$inside"' && exec "$@"' sh "$PBRUN" --show --json --profile /there/program chroot >shown
  [ "$(json shown 'sum(e[1] for f in j["files"] if f["path"].endswith("/data") for e in f["extents"]) > 20')" = true ]
  # A path that begins at the root directory of the chroot.
  [ "$(json shown '[f["path"] for f in j["files"] if f["path"].startswith("/there")]')" = '[]' ]
}

@test "the layers of an overlay that only the sandbox has" {
  needs_overlays
  seq 10000 >o/up/other
  inside="mount -t overlay overlay -o lowerdir=$WORK/real:/usr,upperdir=$WORK/o/up,workdir=$WORK/o/work o/merged"
  "$PBRUN" -R report unshare -m sh -c "$inside && exec o/merged/program o/merged/data o/merged/other" >/dev/null
  [ "$(pages_of "$WORK/real/program" unshare sh)" -gt 0 ]
  [ "$(pages_of "$WORK/real/data" unshare sh)" -gt 20 ]
  [ "$(pages_of "$WORK/o/up/other" unshare sh)" -gt 10 ]
  [ "$(json report 'j["record"]["unreached_files"]')" = 0 ]
}

# Image of the files of $WORK/real, as $WORK/image.
make_image() { # OPTION...
  mkdir -p inside
  mksquashfs real image -quiet -no-progress "$@" >/dev/null
  unshare -m mount -o loop,ro image inside || skip "no loop-mounted squashfs here"
}

@test "a squashfs that only the sandbox has mounted: the pages of the image" {
  head -c 3000000 /dev/urandom >real/random
  make_image
  inside="mount -o loop,ro $WORK/image inside && exec inside/program"
  "$PBRUN" -R report unshare -m sh -c "$inside inside/data" >/dev/null
  [ "$(json report 'j["record"]["unreached_files"]')" = 0 ]
  [ "$(pages_of "$WORK/image" unshare sh)" -gt 10 ]
  # Of the image what was used: by far not all of it.
  [ "$(pages_of "$WORK/image" unshare sh)" -lt 200 ]
  settled
  "$PBRUN" --show --json --profile sh unshare >shown
  [ "$(json shown '[f["path"] for f in j["files"] if "//" in f["path"] or "inside/" in f["path"]]')" = '[]' ]
  "$PBRUN" -R report unshare -m sh -c "$inside inside/data" >/dev/null
  [ "$(json report 'j["shadow"]')" = fresh ]
  # More, when more is used.
  "$PBRUN" unshare -m sh -c "$inside inside/random" >/dev/null
  [ "$(pages_of "$WORK/image" unshare sh)" -gt 700 ]
}

@test "images by other compressors" {
  head -c 300000 /dev/urandom >real/random
  inside="mount -o loop,ro $WORK/image inside && exec inside/program inside/random"
  for compressor in xz zstd lz4 lzo; do
    settled && rm -rf image shadows
    make_image -comp $compressor
    "$PBRUN" -R report unshare -m sh -c "$inside" >/dev/null
    echo "$compressor: $(json report 'j["record"]["unreached"]')"
    [ "$(json report 'j["record"]["unreached_files"]')" = 0 ]
    [ "$(pages_of "$WORK/image" unshare sh)" -gt 70 ]
  done
}

@test "an image of a kind that cannot be read is counted and named" {
  make_image -no-exports
  "$PBRUN" -R report unshare -m sh -c "mount -o loop,ro $WORK/image inside && exec inside/program inside/data" >/dev/null
  [ "$(json report 'j["record"]["unreached_files"]')" = 2 ]
  [ "$(json report 'j["record"]["unreached"][0].split()[0]')" = squashfs ]
}

@test "an overlay whose layers go by relative names cannot be reached, which is counted and said" {
  needs_overlays
  inside="mount -t overlay overlay -o lowerdir=real,upperdir=o/up,workdir=o/work o/merged"
  run "$PBRUN" -v -R report unshare -m sh -c "$inside && exec o/merged/program o/merged/data >/dev/null"
  [ "$status" -eq 0 ]
  [ "$(json report '[j["record"]["unreached_files"], j["record"]["unreached"]]')" = \
    "[2, [\"overlay overlay on $WORK/o/merged\"]]" ]
  [[ $output == *"2 files were out of reach: overlay overlay on $WORK/o/merged"* ]]
}
