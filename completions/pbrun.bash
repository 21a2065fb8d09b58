# Completion of pbrun for bash.

# The programs of which something is remembered.
_pbrun_remembered() {
  local IFS=$'\n'
  mapfile -t COMPREPLY < <(compgen -W "$(pbrun --json --list 2>/dev/null |
    grep -o '"program": *"[^"]*"' | sed 's/^[^:]*: *"//; s/"$//' | sort -u)" -- "$1")
}

_pbrun() {
  local current=$2 previous=$3 i option
  COMPREPLY=()

  # From the program on, the command line is the program's.
  for ((i = 1; i < COMP_CWORD; i++)); do
    option=${COMP_WORDS[i]}
    case $option in
      --)
        ((i++))
        break
        ;;
      --show | --forget | --export | --embed)
        _pbrun_remembered "$current"
        return
        ;;
      -d | --dir | -r | --record | -p | --profile | -w | --window | -x | --exclude | -R | --report | --svg | --format | -o | --output) ((i++)) ;;
      -*) ;;
      =) ;;
      *) break ;;
    esac
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
    -d | --dir)
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
    -R | --report | --svg | -o | --output | --import | --merge | --embedded | --unembed)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    -r | --record)
      mapfile -t COMPREPLY < <(compgen -W "auto train sample none" -- "$current")
      return
      ;;
    --format)
      mapfile -t COMPREPLY < <(compgen -W "record ranges" -- "$current")
      return
      ;;
    -p | --profile | -w | --window) return ;;
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "--dir --record --no-prefetch --profile --window --exclude --report --verbose
      --list --show --forget --export --import --merge --embed --embedded --unembed --format --output --keep-times
      --json --svg --help --version" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -c -- "$current")
  fi
}

complete -F _pbrun pbrun
