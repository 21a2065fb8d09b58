#!/usr/bin/env bats
# packages: python3 util-linux squashfs-tools btrfs-progs fuse2fs xfsprogs e2fsprogs libcap2-bin
# Where something is missing that pbrun uses, a program runs as it does without pbrun, in each mode.

# shellcheck disable=SC2030,SC2031,SC2317 # each test is a subshell; functions are called by name

load common

setup() {
  make_work
  cp "$PBRUN_HELPERS/show_state" .
  mounts=()
}

teardown() {
  cd / || return
  for mount in "${mounts[@]}"; do umount -l "$mount"; done
  remove_work
}

needs_root() {
  ((EUID == 0)) || skip "needs root"
}

# What differs from one run to the next by itself.
shown() {
  sed -E "s/^fd 1 [^ ]*/fd 1/; s/^(environment (PBRUN|_)=).*/\1/; ${also_differs:-}"
}

# Runs show_state in a world, a command that executes its arguments: without pbrun, and through it in each
# mode, twice: what it inherits is the same, and so is its exit status. Warnings are not looked at.
same_state_in() { # WORLD...
  local mode status
  "$@" ./show_state one two 2>/dev/null | cat >expected
  [ -s expected ]
  for mode in train train sample auto none; do
    "$@" "$PBRUN" --record=$mode ./show_state one two 2>/dev/null | cat >actual
    diff <(shown <expected) <(shown <actual)
    status=0
    "$@" "$PBRUN" --record=$mode -n sh -c 'exit 5' 2>/dev/null || status=$?
    [ "$status" -eq 5 ]
  done
}

@test "system calls that a filter refuses" {
  # As a container's filter does it (EPERM), and as an old kernel (ENOSYS, 38).
  for refused in ptrace userfaultfd close_range pidfd_open pidfd_getfd kcmp openat2 preadv2 process_vm_readv \
    prctl readahead clone3; do
    same_state_in "$PBRUN_HELPERS/deny" $refused
    same_state_in "$PBRUN_HELPERS/deny" $refused=38
  done
}

@test "all of them at once" {
  same_state_in "$PBRUN_HELPERS/deny" \
    ptrace,userfaultfd,close_range,pidfd_open,pidfd_getfd,kcmp,openat2,preadv2,process_vm_readv,prctl,readahead
}

@test "a filter that kills for calls which an ordinary program does not make" {
  # The C library starts without these; each alone, and all at once.
  calls=(openat2 statx preadv2 faccessat2 fstatfs getxattr mincore clone3 ptrace userfaultfd close_range pidfd_open
    pidfd_getfd kcmp process_vm_readv readahead setsid)
  actions=(kill trap)
  # The thread sanitizer has a thread of its own: an observer whose first is killed before it has closed what it inherited would stay.
  [[ -n ${PBRUN_WRITES_ABOUT_ITSELF:-} ]] || actions+=(kill-thread)
  for action in "${actions[@]}"; do
    for call in "${calls[@]}"; do
      "$PBRUN_HELPERS/deny" "$call=$action" ./show_state >/dev/null || continue
      run "$PBRUN_HELPERS/deny" "$call=$action" "$PBRUN" sh -c 'echo out; exit 5'
      [ "$status" -eq 5 ]
      [[ "$output" == *out ]]
    done
    same_state_in "$PBRUN_HELPERS/deny" "$(printf ",%s=$action" "${calls[@]}" | cut -c 2-)"
  done
}

@test "no process, no session of its own" {
  same_state_in "$PBRUN_HELPERS/deny" setsid
  # The launcher's clone(2); a program's fork(2) is the same call, so that it may have none.
  for error in 1 11 12; do
    run "$PBRUN_HELPERS/deny" clone=$error,clone3=$error "$PBRUN" ./show_state
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -gt 5 ]
  done
}

@test "little of everything" {
  for limit in --fsize=0 --fsize=100 --nofile=3 --nofile=4 --nofile=5 --nofile=6 --nofile=7 --nofile=8 --nofile=10 --nofile=12 --nofile=16 \
    --stack=65536 --stack=131072 --memlock=0 --sigpending=0 --core=0 --cpu=5; do
    # Where the program cannot run without pbrun, nothing is to be seen.
    prlimit $limit ./show_state >/dev/null 2>&1 || continue
    # The thread sanitizer keeps its notes in files, coverage its counters.
    [[ -z ${PBRUN_WRITES_ABOUT_ITSELF:-} || $limit != --fsize* ]] || continue
    echo "$limit"
    same_state_in prlimit $limit
  done
}

@test "little memory" {
  # Less than pbrun itself needs: what its dynamic libraries say is not pbrun's.
  for megabytes in 24 32 48 64 128; do
    prlimit --as=$((megabytes * 1048576)) "$PBRUN" --version >/dev/null 2>&1 || continue
    echo "$megabytes MB"
    same_state_in prlimit --as=$((megabytes * 1048576))
  done
}

@test "few processes" {
  needs_root
  chmod 755 show_state
  cp "$PBRUN" pbrun
  PBRUN=./pbrun
  for n in 1 2 3 4; do
    status=0
    setpriv --reuid=65534 --regid=65534 --clear-groups prlimit --nproc=$n ./pbrun -d "$WORK/other" ./show_state \
      >actual 2>&1 || status=$?
    [ "$status" -eq 0 ]
  done
}

@test "closed standard descriptors" {
  # shellcheck disable=SC2016
  for closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
    for mode in train sample none; do
      rm -f seen
      status=0
      bash -c "\"\$1\" --record=$mode sh -c 'ls -l /proc/self/fd >seen 2>/dev/null; exit 5' $closed" bash "$PBRUN" ||
        status=$?
      [ "$status" -eq 5 ]
    done
  done
}

@test "a read-only store, one that is full, one that becomes full, one without files" {
  needs_root
  mkdir store
  mount -t tmpfs -o size=1m none store && mounts+=("$WORK/store")
  same_state_in env PBRUN_DIR="$WORK/store"
  dd if=/dev/zero of=store/filler bs=1k count=1024 2>/dev/null || true
  same_state_in env PBRUN_DIR="$WORK/store"
  truncate -s 960k store/filler
  same_state_in env PBRUN_DIR="$WORK/store"
  settled
  mount -o remount,ro store
  same_state_in env PBRUN_DIR="$WORK/store"
  unmount store
  mount -t tmpfs -o nr_inodes=2 none store
  same_state_in env PBRUN_DIR="$WORK/store"
}

@test "no /proc, a /proc that hides others, a user namespace, PID namespaces" {
  needs_root
  world() {
    # shellcheck disable=SC2016
    unshare -m sh -c "$1"'; exec "$@"' sh "${@:2}"
  }
  chmod 1777 "$WORK"
  for others in 'mount -t tmpfs none /proc' 'mount -t proc -o hidepid=2 proc /proc' \
    'mount -t proc -o subset=pid proc /proc'; do
    world "$others" true || continue
    same_state_in world "$others"
  done
  cp "$PBRUN" pbrun
  PBRUN=./pbrun same_state_in world 'mount -t proc -o hidepid=2 proc /proc' \
    setpriv --reuid=65534 --regid=65534 --clear-groups env PBRUN_DIR="$WORK/nobodys"
  same_state_in unshare -rm
  # Of the first process the observer is a child that only who asks with __WALL is told of (pbrun(1)).
  also_differs=/^children/d
  same_state_in unshare -pf --mount-proc
  same_state_in unshare -pf
}

@test "a chroot without a /proc, and one with" {
  needs_root
  mkdir -p root/proc root/shadows root/stage
  for directory in /usr /bin /lib /lib64 /etc; do
    [ -e $directory ] || continue
    mkdir -p "root$directory"
    mount --bind $directory "root$directory" && mounts=("$WORK/root$directory" "${mounts[@]}")
  done
  cp "$PBRUN" show_state root/stage/
  world() { chroot root env PBRUN_DIR=/shadows "${@/#.\//\/stage\/}"; }
  PBRUN=/stage/pbrun same_state_in world
  mount -t proc proc root/proc && mounts=("$WORK/root/proc" "${mounts[@]}")
  PBRUN=/stage/pbrun same_state_in world
  settled
  [ -n "$(find root/shadows -name '*.shadow')" ]
}

# Makes IMAGE a file system by a command, and mounts it at DIRECTORY. Skips what this kernel has not.
try_mount() { # DIRECTORY IMAGE MKFS...
  mkdir -p "$1"
  truncate -s 320M "$2"
  "${@:3}" "$2" >/dev/null 2>&1 && mount -o loop "$2" "$1" 2>/dev/null && mounts+=("$WORK/$1")
}

# Program, what it reads, and shadows on the file system DIRECTORY.
same_on() { # DIRECTORY
  cp show_state "$1/"
  (
    cd "$1" || return
    PBRUN_DIR=$PWD/shadows
    same_state_in env
    settled
    [ -n "$(find shadows -name '*.shadow')" ]
  )
}

@test "on tmpfs, overlayfs, ext4, XFS, btrfs" {
  needs_root
  mkdir tmpfs overlay
  mount -t tmpfs none tmpfs && mounts+=("$WORK/tmpfs")
  same_on tmpfs
  mkdir tmpfs/upper tmpfs/work
  mount -t overlay -o "lowerdir=$WORK,upperdir=tmpfs/upper,workdir=tmpfs/work" none overlay && mounts+=("$WORK/overlay")
  same_on overlay
  for kind in ext4 xfs btrfs; do
    try_mount "$kind" "$kind.image" "mkfs.$kind" -q || continue
    same_on "$kind"
  done
}

@test "on FUSE, where shadows are read and written by the observer alone" {
  needs_root
  mkdir fuse
  truncate -s 32M fuse.image
  mkfs.ext4 -q fuse.image
  fuse2fs fuse.image fuse -o fakeroot 2>/dev/null || skip "no FUSE to be had"
  mounts+=("$WORK/fuse")
  same_on fuse
  PBRUN_DIR=$WORK/fuse/shadows
  runs=$("$PBRUN" --show ./show_state --json | json - 'j["runs"]' || echo 0)
  "$PBRUN" -r train -R report ./show_state >/dev/null
  settled
  [ "$("$PBRUN" --show ./show_state --json | json - 'j["runs"]')" -eq $((runs + 1)) ]
  # Its server may be slow on a busy machine: it is not waited for without a bound.
  is_known() { "$PBRUN" -r none -R report ./show_state >/dev/null && [ "$(json report 'j["shadow"]')" = fresh ]; }
  eventually is_known
}

@test "from squashfs" {
  needs_root
  mkdir image squashfs
  cp show_state image/
  cp "$PBRUN" image/pbrun
  mksquashfs image image.squashfs -quiet -no-progress >/dev/null
  mount -o loop image.squashfs squashfs && mounts+=("$WORK/squashfs")
  # shellcheck disable=SC2016
  world() { (cd squashfs && "$@"); }
  PBRUN=./pbrun same_state_in world
  settled
  [ -n "$(find "$PBRUN_DIR" -name '*.shadow')" ]
}
