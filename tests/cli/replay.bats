#!/usr/bin/env bats
# packages: python3 util-linux
# What a prefetch costs and is good for.

load common

teardown() {
  [ -z "${GROUP:-}" ] || { while ! rmdir "$GROUP"; do sleep 0.1; done; }
  remove_work
}

shown() { # EXPRESSION-OVER-j
  settled
  "$PBRUN" --json --show "$PBRUN_HELPERS/touch_pages" | json - "$1"
}

@test "what was prefetched is told apart into used and wasted" {
  touch_pages=$PBRUN_HELPERS/touch_pages
  "$touch_pages" "$WORK/data"
  seq -s ' ' 0 40 1023 >pages
  # A page that the disk brings before it is looked at counts as resident: on a busy machine, now and then. And others may
  # have evicted the libraries: then most is not wasted.
  wastes_most() {
    settled
    "$PBRUN" --forget "$touch_pages" || true
    # shellcheck disable=SC2046
    "$PBRUN" "$touch_pages" "$WORK/data" $(cat pages)
    evict data
    "$PBRUN" -r train -R report "$touch_pages" "$WORK/data" 0
    [ "$(json report 'j["prefetch"]["bytes"] >= 26 * 4096 and j["prefetch"]["wasted_bytes"] >= 20 * 4096')" = true ] &&
      [ "$(shown 'j["wasted_bytes"] > j["prefetched_bytes"] / 2')" = true ]
  }
  # Mostly wasted: cut back to what the last run used.
  is_cut_back() {
    eventually wastes_most || return
    [ "$(json report 'j["prefetch"]["used_bytes"] + j["prefetch"]["wasted_bytes"] == j["prefetch"]["bytes"]')" = true ] || return
    evict data
    "$PBRUN" -R next "$touch_pages" "$WORK/data" 0
    [ "$(json next 'j["prefetch"]["bytes"] <= 4096 * 8')" = true ]
  }
  is_cut_back || is_cut_back || is_cut_back || is_cut_back || is_cut_back
}

@test "the first start's faults are told, and what the last starts gained" {
  touch_pages=$PBRUN_HELPERS/touch_pages
  "$touch_pages" "$WORK/data"
  gains() {
    settled
    "$PBRUN" --forget "$touch_pages" || true
    evict data
    "$PBRUN" "$touch_pages" "$WORK/data" 0 300 600 900
    evict data
    "$PBRUN" -r train -R report -v "$touch_pages" "$WORK/data" 0 300 600 900 2>err
    [ "$(shown 'j["starts"][0]["prefetched_bytes"] > 0 and
      j["first_major_faults"] > j["starts"][0]["major_faults"]')" = true ]
  }
  eventually gains
  cat err
  first=$(json report 'j["launch"]["first_major_faults"]')
  [ "$first" -ge 1 ]
  [[ $(<err) == *" waited for the disk ($first at the first start);"* ]]
  [ "$(shown '[len(j["starts"]), j["first_major_faults"], j["starts"][1]["major_faults"]]')" = "[2, $first, $first]" ]
  [ "$(shown '[start["replayed"] for start in j["starts"]]')" = "[true, false]" ]
  [ "$(shown 'j["saved_share"] > 0')" = true ]
  COLUMNS=80 "$PBRUN" --show "$touch_pages" >shown
  cat shown
  grep -qE "^  gained +[0-9.]+ KiB were there before the last start asked for them" shown
  grep -qE "^  waited +([0-9]+|no) page faults waited for the disk at the last start, $first at" shown
  [ "$(grep -cE '^20[0-9-]+ [0-9:]+ +[0-9.]+ (bytes|KiB) ' shown)" -eq 2 ]
  # More than eight are not kept.
  for _ in 1 2 3 4 5 6 7; do
    "$PBRUN" -r train "$touch_pages" "$WORK/data" 0
  done
  [ "$(shown '[len(j["starts"]), j["first_major_faults"]]')" = "[8, $first]" ]
  # Nobody else needs to know.
  settled
  "$PBRUN" --export "$touch_pages" record
  PBRUN_DIR=$WORK/elsewhere "$PBRUN" --import record
  [ "$(PBRUN_DIR=$WORK/elsewhere "$PBRUN" --json --list | json - 'j["shadows"][0]["starts"]')" = "[]" ]
}

@test "--list does not count a start that had only what profiles have in common" {
  cp "$(command -v dash)" dash
  echo : | tee a.sh b.sh c.sh
  "$PBRUN" ./dash a.sh
  "$PBRUN" ./dash b.sh
  prefetches_common() {
    settled
    "$PBRUN" --forget --profile "$WORK/c.sh" ./dash || true
    evict dash
    "$PBRUN" -R report ./dash c.sh
    [ "$(json report 'j["prefetch"]["bytes"] > 0')" = true ]
  }
  eventually prefetches_common
  [ "$(json report '[j["shadow"], j["prefetch"]["bytes"] > 0]')" = '["none", true]' ]
  "$PBRUN" --list
  "$PBRUN" --list | grep -qE 'c\.sh .* 1 +- +20'
  evict dash
  "$PBRUN" -r train -R report ./dash c.sh
  settled
  [ "$(json report 'j["prefetch"]["bytes"] == 0')" = true ] || "$PBRUN" --list | grep -qE 'c\.sh .* 2 +[0-9]+ % +20'
}

@test "a warm start prefetches nothing" {
  head -c 1000000 /dev/urandom >data
  "$PBRUN" cat data >/dev/null
  settled
  # Other processes on this machine may have evicted something.
  all_is_resident() {
    "$PBRUN" -R report cat data >/dev/null
    [ "$(json report '[j["prefetch"]["bytes"], j["prefetch"]["resident_bytes"] >= 1000000]')" = "[0, true]" ]
  }
  eventually all_is_resident
}

@test "a prefetch fits into a memory control group smaller than the working set" {
  ((EUID == 0)) || skip "needs root"
  root=/sys/fs/cgroup/memory limit=memory.limit_in_bytes events=memory.failcnt
  [ -d "$root" ] || root=/sys/fs/cgroup limit=memory.max events=memory.events
  GROUP=$root/pbrun-test.$$
  mkdir "$GROUP" 2>/dev/null || { GROUP=; skip "no memory control group to be had"; }
  [ -e "$GROUP/$limit" ] || skip "no memory controller"
  head -c 64M /dev/zero >data
  # Its arguments name no file: what they name is prefetched only when it is named.
  "$PBRUN" -r train env -S 'cat data' >/dev/null
  echo 32M >"$GROUP/$limit"
  prefetches_in_group() {
    evict data
    # shellcheck disable=SC2016
    bash -c 'echo $$ >"$1/cgroup.procs" && exec "$PBRUN" -r none -R report -w 1 env -S "cat /dev/null"' - "$GROUP"
    cat "$GROUP/$events"
    [ "$(json report 'j["prefetch"]["bytes"] > 0')" = true ]
  }
  eventually prefetches_in_group
  [ "$(json report 'j["prefetch"]["bytes"] <= 16 << 20')" = true ]
  if [ "$events" = memory.failcnt ]; then
    [ "$(cat "$GROUP/$events")" -eq 0 ]
  else
    grep -qx 'max 0' "$GROUP/$events"
  fi
}
