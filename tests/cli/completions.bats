#!/usr/bin/env bats
# Once: these are scripts.
# packages: zsh fish
# What the shells complete for pbrun.

load common

setup() {
  make_work
  COMPLETIONS=$BATS_TEST_DIRNAME/../../completions
  PATH=$(dirname "$PBRUN"):$PATH
}

# The options that --help names, one a line: -d, --dir, ...
options_of_help() {
  "$PBRUN" --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z0-9-]+' | tr -d ' ,' | sed -E 's/^(-[a-zA-Z])(--)/\1\n\2/'
}

# What bash completes at the end of these words.
bash_completes() {
  bash -c '. "$1"; shift; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _pbrun pbrun "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf "%s\n" "${COMPREPLY[@]}"' bash "$COMPLETIONS/pbrun.bash" "$@"
}

fish_completes() {
  # shellcheck disable=SC2016 # they are variables of fish
  HOME=$WORK/home XDG_CONFIG_HOME=$WORK/home fish --no-config -c \
    'source $argv[1]; complete -C $argv[2]' "$COMPLETIONS/pbrun.fish" "$1"
}

@test "every option of --help, and no other, is in each of the three completions" {
  options_of_help | sort -u >"$WORK/options"
  [ "$(wc -l <"$WORK/options")" -gt 15 ]
  bash_completes pbrun -- >"$WORK/of-bash"
  diff <(grep -e '^--' "$WORK/options" | sort) <(sort "$WORK/of-bash")
  fish_completes 'pbrun -' | cut -f1 | sort >"$WORK/of-fish"
  diff "$WORK/options" "$WORK/of-fish"
  # The file for zsh, which completes in a terminal only, is read as text.
  sed -n '/^_arguments/,$s/\[[^]]*\]//gp' "$COMPLETIONS/_pbrun" | grep -oE -- '--?[a-zA-Z][a-zA-Z0-9-]*' |
    sort -u >"$WORK/of-zsh"
  diff "$WORK/options" "$WORK/of-zsh"
}

@test "zsh reads its completion without a complaint" {
  zsh -n "$COMPLETIONS/_pbrun"
}

@test "options have their arguments completed" {
  mkdir "$WORK/some-directory"
  [ "$(bash_completes pbrun --record tr)" = train ]
  [ "$(bash_completes pbrun -d "$WORK/some")" = "$WORK/some-directory" ]
  fish_completes 'pbrun --record tr' | grep -q ^train
  cp /bin/true "$WORK/my-program"
  "$PBRUN" "$WORK/my-program"
  settled
  [ "$(bash_completes pbrun --show "$WORK/")" = "$WORK/my-program" ]
  fish_completes 'pbrun --show ' | cut -f1 | grep -qx "$WORK/my-program"
}

@test "bash: options behind a command, with = and without" {
  [ "$(bash_completes pbrun --record = tr)" = train ]
  [ "$(bash_completes pbrun --record =)" = "$(printf '%s\n' auto train sample none)" ]
  [ "$(bash_completes pbrun --alias --shell z)" = zsh ]
  [ "$(bash_completes pbrun --export true --format ra)" = ranges ]
  [ "$(bash_completes pbrun --show true --js)" = --json ]
  [ -z "$(bash_completes pbrun --benchmark -n '')" ]
  [ -z "$(bash_completes pbrun --benchmark true --js)" ]
  touch "$WORK/picture.svg"
  [ "$(bash_completes pbrun --show true --svg "$WORK/pic")" = "$WORK/picture.svg" ]
  [ -z "$(bash_completes pbrun --record = train true --js)" ]
  fish_completes 'pbrun --show true --js' | grep -q ^--json
}

@test "a name is completed as it is: nothing of it is expanded" {
  # shellcheck disable=SC2016 # it is to stay as it is
  for name in 'a$(touch hurt)`touch hurt`' 'with space' "quo'te\"s" $'new\nline'; do
    cp /bin/true "$WORK/$name"
    "$PBRUN" "$WORK/$name"
  done
  settled
  cd "$WORK"
  bash_completes pbrun --show "$WORK/" >of-bash
  HOME=$WORK/home XDG_CONFIG_HOME=$WORK/home fish_completes "pbrun --show $WORK/" | cut -f1 | sort >of-fish
  # shellcheck disable=SC2016
  printf '%s\n' "$WORK/"{'a$(touch hurt)`touch hurt`',"quo'te\"s",'with space'} | tee expected
  diff expected of-bash
  grep -Fxf expected of-fish | diff expected -
  [ ! -e hurt ]
  [ "$(bash_completes pbrun --show "$WORK/with\\ s")" = "$WORK/with space" ]
}

@test "desktop entries and what --undo takes back are completed" {
  export XDG_DATA_HOME=$WORK/data XDG_DATA_DIRS=$WORK/share XDG_CONFIG_HOME=$WORK/config
  mkdir -p "$WORK/share/applications"
  printf '%s\n' '[Desktop Entry]' Type=Application Name=x Exec=x >"$WORK/share/applications/my-entry.desktop"
  [ "$(bash_completes pbrun --desktop my)" = my-entry ]
  fish_completes 'pbrun --desktop my' | cut -f1 | grep -qx my-entry
  "$PBRUN" --desktop my-entry
  [ "$(bash_completes pbrun --undo '')" = my-entry.desktop ]
  fish_completes 'pbrun --undo my' | cut -f1 | grep -qx my-entry.desktop
}

@test "after the program no option of pbrun is completed" {
  [ -z "$(bash_completes pbrun true --rec)" ]
  run fish_completes 'pbrun true --rec'
  [[ $output != *--record* ]]
}
