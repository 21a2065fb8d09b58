# Completion of pbrun for bash.

# The programs of which something is remembered.
_pbrun_remembered() {
  local IFS=$'\n'
  mapfile -t COMPREPLY < <(compgen -W "$(pbrun --json --list 2>/dev/null |
    grep -o '"program": *"[^"]*"' | sed 's/^[^:]*: *"//; s/"$//' | sort -u)" -- "$1")
}

# Desktop entries, without their suffix.
_pbrun_entries() {
  local IFS=: directory file
  for directory in ${XDG_DATA_HOME:-$HOME/.local/share} ${XDG_DATA_DIRS:-/usr/local/share:/usr/share}; do
    for file in "$directory"/applications/*.desktop; do
      [[ -e $file ]] && basename "$file" .desktop
    done
  done
}

# Services: the system's with --system, else the user's.
_pbrun_services() { # WORD...
  local scope=--user word
  for word in "$@"; do
    [[ $word == --system ]] && scope=--system
  done
  systemctl "$scope" list-unit-files --type=service --no-legend 2>/dev/null | cut -d' ' -f1
}

# What --undo takes back.
_pbrun_wrapped() {
  pbrun --wrapped 2>/dev/null | sed -nE 's/^(desktop|user unit|system unit) +([^ ]+) .*/\2/p'
}

_pbrun() {
  local current=$2 previous=$3 i word
  # Options with a value, one a line.
  local with_value=(
    -d --dir
    -r --record
    -p --profile
    --argv0
    -w --window
    -x --exclude
    -R --report
    --format
    -o --output
    --svg
    --shell
    --runs
  )
  local without_value=(
    --no-prefetch
    --verbose
    --json
    --keep-times
    --system
    --help
    --version
  )
  # Commands, by what they are about.
  local of_all=(
    --list
    --wrapped
    --doctor
    --dry-run
    --benchmark
  )
  local of_remembered=(
    --show
    --forget
    --export
    --embed
  )
  local of_programs=(
    --alias
  )
  local of_entries=(
    --desktop
  )
  local of_units=(
    --unit
  )
  local of_wrapped=(
    --undo
  )
  local of_files=(
    --import
    --merge
    --embedded
    --unembed
  )
  local commands=("${of_all[@]}" "${of_remembered[@]}" "${of_files[@]}"
    "${of_programs[@]}" "${of_entries[@]}" "${of_units[@]}" "${of_wrapped[@]}")

  _pbrun_is_one_of() { # WORD OTHER...
    local word=$1 other
    shift
    for other in "$@"; do
      [[ $other == "$word" ]] && return
    done
    return 1
  }

  COMPREPLY=()
  # From the program on, the command line is the program's.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == -- ]]; then
      ((i++))
      break
    elif _pbrun_is_one_of "$word" "${of_remembered[@]}" && [[ $current != -* ]]; then
      _pbrun_remembered "$current"
      return
    elif _pbrun_is_one_of "$word" "${of_files[@]}" && [[ $current != -* ]]; then
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
    elif _pbrun_is_one_of "$word" "${of_programs[@]}" && [[ $current != -* ]]; then
      mapfile -t COMPREPLY < <(compgen -c -- "$current")
      return
    elif _pbrun_is_one_of "$word" "${of_entries[@]}" && [[ $current != -* ]]; then
      mapfile -t COMPREPLY < <(compgen -W "$(_pbrun_entries)" -- "$current")
      return
    elif _pbrun_is_one_of "$word" "${of_units[@]}" && [[ $current != -* ]]; then
      mapfile -t COMPREPLY < <(compgen -W "$(_pbrun_services "${COMP_WORDS[@]}")" -- "$current")
      return
    elif _pbrun_is_one_of "$word" "${of_wrapped[@]}" && [[ $current != -* ]]; then
      mapfile -t COMPREPLY < <(compgen -W "$(_pbrun_wrapped)" -- "$current")
      return
    elif _pbrun_is_one_of "$word" "${with_value[@]}"; then
      ((i++))
    elif [[ $word != -* && $word != = ]]; then
      break
    fi
  done
  if ((i < COMP_CWORD)); then
    if declare -F _command_offset >/dev/null; then
      _command_offset "$i"
    else
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
    return
  fi

  case $previous in
    -d | --dir) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    -r | --record) mapfile -t COMPREPLY < <(compgen -W "auto train sample none" -- "$current") ;;
    --shell) mapfile -t COMPREPLY < <(compgen -W "bash zsh fish sh" -- "$current") ;;
    --format) mapfile -t COMPREPLY < <(compgen -W "record ranges shadow" -- "$current") ;;
    -R | --report | --svg | -o | --output) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    *)
      if _pbrun_is_one_of "$previous" "${with_value[@]}"; then
        return
      elif [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${with_value[*]} ${without_value[*]} ${commands[*]}" -- "$current" |
          grep -e '^--')
      else
        mapfile -t COMPREPLY < <(compgen -c -- "$current")
      fi
      ;;
  esac
}

complete -F _pbrun pbrun
