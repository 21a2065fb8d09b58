# Sourced by check and demo: what is missing of a list of Debian packages is installed.

say() {
  printf '\n==> %s\n' "$*"
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

missing_packages() {
  local package
  for package in "$@"; do
    if [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
      echo "$package"
    fi
  done
}

ensure_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@" | sort -u)
  if ((${#missing[@]} == 0)); then
    return
  fi
  say "Installing ${missing[*]}"
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    echo "This needs root or sudo: apt-get install --no-install-recommends ${missing[*]}" >&2
    return 1
  fi
  as_root apt-get -q update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "${missing[@]}"
}

# What any build of pbrun needs.
# shellcheck disable=SC2034 # used by those who source this
build_packages=(gcc libc6-dev cmake ninja-build pkg-config libelf-dev libcap-dev libjansson-dev zlib1g-dev)
