#!/usr/bin/env bats
# packages: python3
# The example of docs/containers.md: trained once where the image is made, started cold in the container.

load common

setup() {
  make_work
  ((EUID == 0)) || skip "needs root"
  mkdir -p image/app work root run runwork container
  chmod 755 image run # they become root directories
  unshare -m mount -t overlay overlay -o "lowerdir=/,upperdir=$WORK/image,workdir=$WORK/work" root ||
    skip "no overlays here"
  # What the image has and this machine has not.
  cp "$PBRUN" image/app/pbrun
  printf 'import json, decimal\nprint(json.dumps(str(decimal.Decimal(2).sqrt())[:4]))\n' >image/app/main.py
}

# A command in the image as it is made: what it writes stays. Nobody sees an observer's locks through another mount.
in_image() { # COMMAND...
  local status=0
  # shellcheck disable=SC2016
  unshare -m sh -c 'mount -t overlay overlay -o "lowerdir=/,upperdir=$0/image,workdir=$0/work" "$0/root" &&
    mount --bind /proc "$0/root/proc" && mount --bind /dev "$0/root/dev" && exec chroot "$0/root" "$@"' "$WORK" "$@" || status=$?
  settled
  return "$status"
}

# A command in a new container of it: what it writes is gone with it.
in_container() { # COMMAND...
  local status=0
  rm -rf run runwork
  cp -a image run # one of its layers cannot lie on another
  mkdir runwork
  # shellcheck disable=SC2016
  unshare -m sh -c 'mount -t overlay overlay -o "lowerdir=/,upperdir=$0/run,workdir=$0/runwork" "$0/container" &&
    mount --bind /proc "$0/container/proc" && mount --bind /dev "$0/container/dev" && exec chroot "$0/container" "$@"' \
    "$WORK" "$@" || status=$?
  settled
  return "$status"
}

@test "a record made with the image serves the first start in a container" {
  in_image env PBRUN_DIR=/training /app/pbrun -r train /usr/bin/python3 /app/main.py
  run in_image env PBRUN_DIR=/training /app/pbrun --export --format shadow /usr/bin/python3 /usr/share/pbrun --profile /app/main.py
  echo "$output"
  [ "$status" -eq 0 ]
  rm -rf image/training
  [ "$(find image/usr/share/pbrun -name 'python3*.shadow' | wc -l)" -eq 1 ]
  run in_container env PBRUN_DIR=/none /app/pbrun -r none -R /report /usr/bin/python3 /app/main.py
  [ "$output" = '"1.41"' ]
  [ "$(json run/report 'j["shadow"]')" = fresh ]
  [ "$(json run/report 'j["prefetch"]["bytes"] + j["prefetch"]["resident_bytes"] > 2000000')" = true ]
  [ "$(json run/report 'j["prefetch"]["stale_files"]')" = 0 ]
  # Nothing is left in the container but the report.
  [ ! -e run/none ]
  # Without the record there is nothing to go by.
  rm -r image/usr/share/pbrun
  in_container env PBRUN_DIR=/none /app/pbrun -r none -R /report /usr/bin/python3 /app/main.py
  [ "$(json run/report 'j["shadow"]')" = none ]
}

@test "so does an imported one, where the files have other times" {
  in_image env PBRUN_DIR=/training /app/pbrun -r train /usr/bin/python3 /app/main.py
  in_image env PBRUN_DIR=/training /app/pbrun --export /usr/bin/python3 /app/record --profile /app/main.py
  rm -rf image/training
  touch -d 2001-02-03 image/app/main.py
  in_image /app/pbrun -d /var/cache/pbrun --import /app/record
  in_container env PBRUN_DIR=/none /app/pbrun -r none -R /report /usr/bin/python3 /app/main.py
  [ "$(json run/report 'j["shadow"]')" = fresh ]
  [ "$(json run/report 'j["prefetch"]["bytes"] + j["prefetch"]["resident_bytes"] > 2000000')" = true ]
}
