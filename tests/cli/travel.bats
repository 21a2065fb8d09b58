#!/usr/bin/env bats
# packages: python3 binutils elfutils patchelf attr
# Records that travel: --export, --import, --merge, and those inside an ELF file.

load common

bats_require_minimum_version 1.5.0

setup() {
  make_work
  # What it is given by its arguments does not travel: so they name no file, and it is cat(1) that reads.
  cp /usr/bin/env program
  # So that what is a file of its own differs from the original: the build-id is that of env(1) still.
  printf '%s\n' one two three >data
}

pages_of() { # FILE_OF_JSON PATH
  json "$1" "sum(e[1] for f in j['files'] if f['path'] == '$2' for e in f['extents'])"
}

@test "what is no file is written to, and not replaced" {
  "$PBRUN" -r train ./program cat data >/dev/null
  settled
  mkfifo fifo
  for command in "--export ./program fifo" "--merge exported -o fifo"; do
    timeout 60 cat fifo >exported.now &
    # shellcheck disable=SC2086
    timeout 60 "$PBRUN" $command
    wait $!
    [ -p fifo ]
    mv exported.now exported
    "$PBRUN" --import exported
  done
  # As a new file, it is there whole or not at all.
  mkdir directory
  run -1 "$PBRUN" --export ./program directory
  [[ $output == *"directory: Is a directory (name another path)" ]]
}

@test "a record is exported, and imported where files have other times" {
  "$PBRUN" ./program -S 'cat data'
  settled
  "$PBRUN" --export ./program record
  "$PBRUN" --show --json ./program >before
  touch -d 2001-01-01 data program
  PBRUN_DIR=$WORK/other run "$PBRUN" --import record
  [ "$status" -eq 0 ]
  [[ $output == *"imported $WORK/program"* ]]
  PBRUN_DIR=$WORK/other "$PBRUN" --show --json ./program >after
  [ "$(pages_of before "$WORK/program")" -gt 0 ]
  [ "$(pages_of after "$WORK/program")" = "$(pages_of before "$WORK/program")" ]
  [ "$(pages_of after "$WORK/data")" = 1 ]
  # It holds: no file is taken to have changed.
  PBRUN_DIR=$WORK/other "$PBRUN" -R report ./program -S 'cat data'
  [ "$(json report 'j["shadow"]')" = fresh ]
}

@test "what is another version is left out and named" {
  "$PBRUN" ./program -S 'cat data'
  settled
  "$PBRUN" --export ./program record
  printf '%s\n' one two THREE >data
  PBRUN_DIR=$WORK/other run "$PBRUN" --import record
  [ "$status" -eq 0 ]
  [[ $output == *"left out: $WORK/data: another version here"* ]]
  [[ $output == *"1 files left out"* ]]
  PBRUN_DIR=$WORK/other "$PBRUN" --show --json ./program >after
  [ "$(pages_of after "$WORK/data")" = 0 ]
}

@test "an import adds to what is remembered" {
  "$PBRUN" ./program -S 'cat data'
  settled
  "$PBRUN" --export ./program record
  printf more >other
  mv shadows first-store
  "$PBRUN" ./program -S 'cat other'
  settled
  "$PBRUN" --import record
  "$PBRUN" --show --json ./program >after
  [ "$(pages_of after "$WORK/data")" = 1 ]
  [ "$(pages_of after "$WORK/other")" = 1 ]
}

@test "two machines' records become one" {
  printf more >other
  PBRUN_DIR=$WORK/a "$PBRUN" ./program -S 'cat data'
  PBRUN_DIR=$WORK/b "$PBRUN" ./program -S 'cat other'
  settled
  PBRUN_DIR=$WORK/a "$PBRUN" --export ./program a.record
  PBRUN_DIR=$WORK/b "$PBRUN" --export ./program b.record
  "$PBRUN" --merge a.record b.record --output both
  "$PBRUN" --import both
  "$PBRUN" --show --json ./program >after
  [ "$(pages_of after "$WORK/data")" = 1 ]
  [ "$(pages_of after "$WORK/other")" = 1 ]
  [ "$(json after 'j["runs"]')" = 2 ]
}

@test "records of different programs are not merged" {
  cp program another
  "$PBRUN" ./program -S 'cat data'
  settled
  "$PBRUN" ./another -S 'cat data'
  settled
  "$PBRUN" --export ./program a
  "$PBRUN" --export ./another b
  run "$PBRUN" --merge a b -o both
  [ "$status" -eq 1 ]
  [[ $output == *"of another program"* ]]
  [ ! -e both ]
}

@test "ranges come in order of first use, within their files" {
  "$PBRUN" ./program -S 'cat data'
  settled
  "$PBRUN" --export --format ranges ./program ranges
  sort -s -n -k3,3 -c ranges
  while IFS=$'\t' read -r offset length _ path; do
    ((offset + length <= $(stat -L -c %s "$path")))
  done <ranges
  grep -q "	$WORK/data\$" ranges
  mv program $'new\nline'
  "$PBRUN" -r train $'./new\nline' true
  settled
  "$PBRUN" --export --format ranges $'./new\nline' >lines
  [ -s lines ]
  run ! grep -vP '^\d+\t\d+\t\d+\t/' lines
}

@test "what is no record is refused, and nothing is written" {
  head -c 10000 /dev/urandom >noise
  run "$PBRUN" --import noise
  [ "$status" -eq 1 ]
  [[ $output == *"noise: it is no record, or a damaged one"* ]]
  "$PBRUN" ./program -S 'cat data'
  settled
  "$PBRUN" --export ./program record
  head -c 500 record >short
  PBRUN_DIR=$WORK/other run "$PBRUN" --import short
  [ "$status" -eq 1 ]
  run "$PBRUN" --import missing
  [ "$status" -eq 1 ]
  [[ $output == *"missing: No such file or directory"* ]]
  [ ! -e other ] || [ -z "$(ls other)" ]
}

@test "an embedded record is shown, and taken out without a trace" {
  cp -p program plain
  "$PBRUN" ./program -S 'cat data'
  settled
  "$PBRUN" --embed --keep-times ./program
  [ "$(stat -c %Y program)" = "$(stat -c %Y plain)" ]
  [ "$(./program -S 'cat data')" = "$(cat data)" ]
  run "$PBRUN" --embedded ./program
  [ "$status" -eq 0 ]
  [[ $output == *" $WORK/data"* ]]
  settled
  "$PBRUN" --unembed ./program
  cmp program plain
  run "$PBRUN" --unembed ./program
  [ "$status" -eq 1 ]
  [[ $output == *"no record is embedded in it"* ]]
}

@test "mode, owner and extended attributes stay" {
  chmod 0750 program
  setfattr -n user.note -v kept program 2>/dev/null || skip "no extended attributes here"
  "$PBRUN" ./program -S 'cat data'
  settled
  "$PBRUN" --embed ./program
  [ "$(stat -c %a program)" = 750 ]
  [ "$(getfattr --only-values -n user.note program)" = kept ]
}

@test "a start without a shadow uses the embedded record" {
  "$PBRUN" ./program -S 'cat data'
  settled
  "$PBRUN" --embed ./program
  rm -rf "$PBRUN_DIR"
  "$PBRUN" -r none -R report ./program -S 'cat data'
  [ "$(json report 'j["shadow"]')" = fresh ]
  "$PBRUN" --unembed ./program
  "$PBRUN" -r none -R report ./program -S 'cat data'
  [ "$(json report 'j["shadow"]')" = none ]
}

@test "of an embedded record, too, nothing is prefetched that is excluded; --dry-run tells of it" {
  cp /bin/cat cat
  "$PBRUN" ./cat - <data
  settled
  "$PBRUN" --embed ./cat
  rm -rf "$PBRUN_DIR"
  "$PBRUN" --dry-run --json ./cat >json
  [ "$(json json '[j["shadow"], "shadow_file" in j]')" = '["fresh", false]' ]
  [ "$(json json 'j["prefetch"]["remembered_bytes"] > 0')" = true ]
  [[ $("$PBRUN" --dry-run ./cat) == *"embedded in the program"* ]]
  for all in usr "$WORK" lib lib64 etc; do exclusions+=(-x "/${all#/}"); done
  "$PBRUN" --dry-run --json "${exclusions[@]}" ./cat >json
  [ "$(json json 'j["prefetch"]["remembered_bytes"]')" = 0 ]
  "$PBRUN" -r none -R report "${exclusions[@]}" ./cat </dev/null
  [ "$(json report 'j["prefetch"]["bytes"] + j["prefetch"]["resident_bytes"]')" = 0 ]
  "$PBRUN" -r none -R report ./cat </dev/null
  [ "$(json report 'j["prefetch"]["bytes"] + j["prefetch"]["resident_bytes"] > 0')" = true ]
}

@test "an exported record has the mode that the umask gives it, or that of the file that was there" {
  "$PBRUN" ./program true
  settled
  (umask 077 && "$PBRUN" --export ./program record)
  [ "$(stat -c %a record)" = 600 ]
  "$PBRUN" --export ./program record
  [ "$(stat -c %a record)" = 600 ]
  (umask 027 && "$PBRUN" --merge record -o merged)
  [ "$(stat -c %a merged)" = 640 ]
}

@test "an embedded record that does not hold is no record" {
  "$PBRUN" ./program -S 'cat data'
  settled
  "$PBRUN" --embed ./program
  rm -rf "$PBRUN_DIR"
  patchelf --set-rpath /opt/nowhere program
  [ "$("$PBRUN" -r none -R report ./program -S 'cat data')" = "$(cat data)" ]
  [ "$(json report 'j["shadow"]')" = none ]
}

@test "privileged, linked and foreign files are refused" {
  "$PBRUN" ./program -S 'cat data'
  settled
  chmod u+s program
  run "$PBRUN" --embed ./program
  [ "$status" -eq 1 ]
  [[ $output == *"privileges"* ]]
  chmod u-s program
  ln program link
  run "$PBRUN" --embed ./program
  [ "$status" -eq 1 ]
  [[ $output == *"hard links"* ]]
  rm link
  cp program payload
  echo data >>payload
  "$PBRUN" ./payload -S 'cat data'
  settled
  run "$PBRUN" --embed ./payload
  [ "$status" -eq 1 ]
  [[ $output == *"data behind its ELF part"* ]]
  printf '#!/bin/sh\necho hello\n' >script
  chmod +x script
  "$PBRUN" ./script
  settled
  run "$PBRUN" --embed ./script
  [ "$status" -eq 1 ]
  [[ $output == *"not an ELF file"* ]]
  [ -z "$(find . -name '*.??????' -newer data -size +0 ! -path './shadows/*')" ]
}

@test "strip and objcopy keep it, eu-strip drops it" {
  "$PBRUN" ./program -S 'cat data'
  settled
  "$PBRUN" --embed ./program -o marked
  chmod +x marked
  strip -o stripped marked
  objcopy marked copied
  eu-strip -o dropped marked
  objcopy --remove-section .pbrun marked removed
  "$PBRUN" --embedded stripped
  "$PBRUN" --embedded copied
  run "$PBRUN" --embedded dropped
  [ "$status" -eq 1 ]
  run "$PBRUN" --embedded removed
  [ "$status" -eq 1 ]
  [ "$(./stripped -S 'cat data')" = "$(cat data)" ]
}

@test "a hundred programs have the same segments with a record in them" {
  "$PBRUN" ./program -S 'cat data'
  settled
  local file n=0 before after
  mkdir copies
  for file in /usr/bin/*; do
    [[ -f $file && ! -L $file && ! -u $file && ! -g $file && -x $file ]] || continue
    [[ $(head -c 4 "$file" | od -An -c | tr -d ' ') == '177ELF' ]] || continue
    cp "$file" copies/x
    # By the name of the program that has a record.
    cp copies/x program
    "$PBRUN" --embed ./program -o marked 2>errors || { cat errors && false; }
    diff <(readelf -lW copies/x) <(readelf -lW marked)
    before=$(eu-elflint --gnu-ld copies/x | wc -l)
    after=$(eu-elflint --gnu-ld marked | wc -l)
    ((after <= before))
    n=$((n + 1))
    ((n < 100)) || break
  done
  ((n == 100))
}
