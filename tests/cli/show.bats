#!/usr/bin/env bats
# packages: python3 util-linux librsvg2-bin less
# What --list and --show look like on a terminal, and the picture.

load common

setup() {
  make_work
  cp /bin/true "$WORK/program"
  unset COLUMNS NO_COLOR PAGER PBRUN_PAGER LESS LC_ALL LC_CTYPE
  export LANG=C.UTF-8 TERM=xterm
}

# Output on a terminal of so many columns, of which control sequences are shown.
on_terminal() { # COLUMNS COMMAND
  script -qec "stty cols $1; $2" /dev/null </dev/null | tr -d '\r'
}

widest() {
  # In characters.
  /usr/bin/python3 -c 'import sys; print(max(len(line.rstrip("\n")) for line in sys.stdin))'
}

@test "the output is as wide as the terminal" {
  "$PBRUN" "$WORK/program"
  "$PBRUN" -p deep-down-in-the-woods "$WORK/program"
  settled
  for columns in 40 80 200; do
    for command in --list "--show $WORK/program"; do
      output=$(NO_COLOR=1 PBRUN_PAGER=cat on_terminal $columns "$PBRUN $command")
      echo "$output"
      # A path in the summary is not cut.
      [ "$(grep -v /shadows/ <<<"$output" | widest)" -le "$columns" ]
      [[ $output == *program* ]]
    done
  done
  # What it is good for is the last that is left out.
  [[ $(COLUMNS=55 "$PBRUN" --list | head -n 1) == PROGRAM*SAVED*STATE ]]
  # Nothing is cut in a pipe, unless it is asked for.
  [[ $("$PBRUN" --list) == *"$WORK/program"* ]]
  COLUMNS=40 "$PBRUN" --list | widest | grep -qx '[1-3]\?[0-9]\|40'
}

@test "Unicode on a UTF-8 terminal, ASCII elsewhere" {
  "$PBRUN" "$WORK/program"
  settled
  "$PBRUN" --show "$WORK/program" | grep -q '│.*[▁▂▃▄▅▆▇█].*│'
  for setting in LANG=C LC_ALL=C TERM=dumb; do
    env "$setting" "$PBRUN" --show "$WORK/program" >"$WORK/out"
    grep -qE '\|[ .:+#]*#[ .:+#]*\|' "$WORK/out"
    [ "$(LC_ALL=C tr -d '\0-\177' <"$WORK/out" | wc -c)" -eq 0 ]
  done
}

@test "colour on a terminal only, and not for NO_COLOR or TERM=dumb" {
  "$PBRUN" "$WORK/program"
  export PBRUN_PAGER=cat
  settled
  [[ $(on_terminal 80 "$PBRUN --list") == *$'\e['* ]]
  [[ $(NO_COLOR=1 on_terminal 80 "$PBRUN --list") != *$'\e'* ]]
  [[ $(TERM=dumb on_terminal 80 "$PBRUN --list") != *$'\e'* ]]
  [[ $("$PBRUN" --list) != *$'\e'* ]]
}

@test "a terminal is paged: PBRUN_PAGER, PAGER, none when piped" {
  "$PBRUN" "$WORK/program"
  export PAGER="sed s/^/paged:/"
  settled
  [[ $(on_terminal 80 "$PBRUN --list") == *paged:*fresh* ]]
  [[ $(PBRUN_PAGER="sed s/^/ours:/" on_terminal 80 "$PBRUN --show $WORK/program") == *ours:*mapped* ]]
  for setting in PBRUN_PAGER= PBRUN_PAGER=cat PBRUN_PAGER=no-such-pager TERM=dumb; do
    output=$(env "$setting" script -qec "$PBRUN --list" /dev/null </dev/null)
    [[ $output == *fresh* ]]
    [[ $output != *paged:* ]]
  done
  [[ $("$PBRUN" --list) != *paged:* ]]
  # Who has seen enough ends the pager, which is no error.
  PBRUN_PAGER=true script -qec "$PBRUN --show $WORK/program" /dev/null </dev/null
}

@test "the bar shows where in the file the pages are" {
  head -c $((32 * 4096)) /dev/zero >"$WORK/data"
  "$PBRUN" -r train dd if="$WORK/data" of=/dev/null bs=4096 count=8 status=none
  settled
  line=$(LANG=C COLUMNS=200 "$PBRUN" --show dd | grep "$WORK/data")
  echo "$line"
  # A quarter of the cells is full, the rest is empty.
  grep -qE '\|#{12}[.:+#]? {37,38}\|' <<<"$line"
  grep -qE '32\.0 KiB +25 %' <<<"$line"
}

@test "states: fresh, stale, program gone" {
  "$PBRUN" "$WORK/program"
  settled
  [[ $("$PBRUN" --list) == *fresh ]]
  cp /bin/false "$WORK/program"
  [[ $("$PBRUN" --list) == *"stale: 1 changed, 0 missing" ]]
  [[ $("$PBRUN" --show "$WORK/program") == *"next start  is trained: files have changed"* ]]
  rm "$WORK/program"
  [[ $("$PBRUN" --list) == *"program gone" ]]
  [ "$("$PBRUN" --list --json | json - 'j["shadows"][0]["state"]')" = gone ]
}

@test "the summary counts exact pages" {
  "$PBRUN" -r train "$WORK/program"
  settled
  "$PBRUN" --show "$WORK/program" >"$WORK/out"
  "$PBRUN" --show "$WORK/program" --json >"$WORK/json"
  pages=$(json "$WORK/json" 'sum(n for f in j["files"] for first, n in f["extents"])')
  exact=$(json "$WORK/json" 'sum(n for f in j["files"] if f["exact"] for first, n in f["extents"])')
  if [ "$pages" -eq "$exact" ]; then
    grep -q "exact  *all pages" "$WORK/out"
  else
    grep -q "exact  *$exact of $pages pages" "$WORK/out"
  fi
}

@test "--verbose adds the names that are only looked up" {
  "$PBRUN" -r train "$WORK/program"
  settled
  [[ $("$PBRUN" --show "$WORK/program") != *ld.so.preload* ]]
  "$PBRUN" --show --verbose "$WORK/program" | grep -qx '  not there  /etc/ld.so.preload'
}

@test "--svg draws a picture that is well-formed and not large" {
  "$PBRUN" -r train "$WORK/program"
  name="$WORK/<a & b>"
  cp /bin/true "$name"
  "$PBRUN" -r train "$name"
  # Less than one per cent is written "<1 %".
  truncate -s 10M "$WORK/long"
  "$PBRUN" -r train -p long dd if="$WORK/long" of="$WORK/copy" bs=4096 count=1 status=none
  settled
  "$PBRUN" -p long --show dd --svg - | grep -F 'touched (&lt;1 %)'
  for program in "$WORK/program" "$name"; do
    "$PBRUN" --show "$program" --svg "$WORK/picture.svg"
    [ "$(stat -c %s "$WORK/picture.svg")" -lt 307200 ]
    /usr/bin/python3 - "$WORK/picture.svg" <<'END'
import sys
import xml.etree.ElementTree as ElementTree
root = ElementTree.parse(sys.argv[1]).getroot()
titles = [e.text for e in root.iter("{http://www.w3.org/2000/svg}title")]
assert any("libc.so.6" in title for title in titles), titles
assert any(title.startswith("at ") and "KiB" in title for title in titles), titles
style = next(root.iter("{http://www.w3.org/2000/svg}style")).text
assert "prefers-color-scheme: dark" in style
END
    if command -v rsvg-convert >/dev/null; then
      rsvg-convert -o "$WORK/picture.png" "$WORK/picture.svg"
    fi
  done
  [ "$("$PBRUN" --show "$name" --svg - | head -c 4)" = "<svg" ]
  run "$PBRUN" --show "$name" --svg "$WORK/none/x.svg"
  [ "$status" -eq 1 ]
  [[ $output == *"none/x.svg: No such file"* ]]
}
