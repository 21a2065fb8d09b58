# Completion of pbrun for bash.

# Of the lines of standard input, those that begin with the word. Names may hold anything, and compgen -W would expand it.
_pbrun_match() { # WORD
  local line
  while IFS= read -r line; do
    [[ $line == "${1//\\/}"* ]] && COMPREPLY+=("$line")
  done
}

# The programs of which something is remembered.
_pbrun_remembered() {
  pbrun --json --list 2>/dev/null | grep -oE '"program": *"(\\.|[^"\\])*"' |
    sed 's/^[^:]*: *"//; s/"$//; /\\[^"\\/]/d; s/\\\(.\)/\1/g' | sort -u
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
  local current=$2 option=$3 command="" i word
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
  )
  local of_starts=(
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
  # Options may stand behind the operands of these.
  local in_any_order=("${of_remembered[@]}" "${of_files[@]}" "${of_programs[@]}" "${of_entries[@]}" "${of_units[@]}"
    "${of_wrapped[@]}")

  _pbrun_is_one_of() { # WORD OTHER...
    local word=$1 other
    shift
    for other in "$@"; do
      [[ $other == "$word" ]] && return
    done
    return 1
  }

  COMPREPLY=()
  # "--record=tr" is three words.
  if [[ ${COMP_WORDS[COMP_CWORD]} == = ]]; then
    current=
  elif [[ $option == = ]]; then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  # From the program on, the command line is the program's.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == -- ]]; then
      ((i++))
      break
    elif _pbrun_is_one_of "$word" "${with_value[@]}" || [[ $word == -n && $command == --benchmark ]]; then
      ((i++))
      [[ ${COMP_WORDS[i]} == = ]] && ((i++))
    elif _pbrun_is_one_of "$word" "${in_any_order[@]}"; then
      command=$word
    elif [[ $word == --benchmark ]]; then
      command=$word
    elif [[ $word != -* && $word != = ]] && ! _pbrun_is_one_of "$command" "${in_any_order[@]}"; then
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

  case $option in
    -d | --dir) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    -r | --record) mapfile -t COMPREPLY < <(compgen -W "auto train sample none" -- "$current") ;;
    --shell) mapfile -t COMPREPLY < <(compgen -W "bash zsh fish sh" -- "$current") ;;
    --format) mapfile -t COMPREPLY < <(compgen -W "record ranges shadow" -- "$current") ;;
    -R | --report | --svg | -o | --output) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    *)
      if _pbrun_is_one_of "$option" "${with_value[@]}" || [[ $option == -n && $command == --benchmark ]]; then
        return
      elif [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${with_value[*]} ${without_value[*]} ${of_all[*]} ${of_starts[*]} ${in_any_order[*]}" \
          -- "$current" | grep -e '^--')
        return
      elif _pbrun_is_one_of "$command" "${of_remembered[@]}"; then
        _pbrun_match "$current" < <(_pbrun_remembered)
      elif _pbrun_is_one_of "$command" "${of_files[@]}"; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
      elif _pbrun_is_one_of "$command" "${of_entries[@]}"; then
        _pbrun_match "$current" < <(_pbrun_entries)
      elif _pbrun_is_one_of "$command" "${of_units[@]}"; then
        _pbrun_match "$current" < <(_pbrun_services "${COMP_WORDS[@]}")
      elif _pbrun_is_one_of "$command" "${of_wrapped[@]}"; then
        _pbrun_match "$current" < <(_pbrun_wrapped)
      else
        mapfile -t COMPREPLY < <(compgen -c -- "$current")
      fi
      ;;
  esac
  # Names are quoted, and directories end with a slash.
  compopt -o filenames 2>/dev/null
}

complete -F _pbrun pbrun
